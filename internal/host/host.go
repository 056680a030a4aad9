// Package host recognizes failures that this machine causes: it lacks room on the
// disk, file descriptors, memory or processes, or its disk fails. They say nothing
// about the work that met them, so the work waits and uses no attempt.
//
// It knows the errors of the operating system and of SQLite. It must not know what
// failed.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Lack is what this machine lacks.
type Lack string

// What a machine can lack. None is no lack.
const (
	None        Lack = ""
	Room        Lack = "room"
	Descriptors Lack = "descriptors"
	Memory      Lack = "memory"
	Processes   Lack = "processes"
	// Disk is a disk that can no longer be read or written.
	Disk Lack = "disk"
)

// errnos are the errors of the operating system. EFBIG is a limit on the size of
// files. EAGAIN is what a fork returns; elsewhere the Go runtime handles it.
var errnos = []struct {
	errno syscall.Errno
	lack  Lack
}{
	{syscall.ENOSPC, Room},
	{syscall.EDQUOT, Room},
	{syscall.EFBIG, Room},
	{syscall.EMFILE, Descriptors},
	{syscall.ENFILE, Descriptors},
	{syscall.ENOMEM, Memory},
	{syscall.EAGAIN, Processes},
	{syscall.EIO, Disk},
	{syscall.EROFS, Disk},
}

// Lacks returns what the machine lacked when err arose. None means that err has
// another cause.
func Lacks(err error) Lack {
	if err == nil {
		return None
	}
	for _, e := range errnos {
		if errors.Is(err, e.errno) {
			return e.lack
		}
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return ofSQLite(e.Code())
	}
	return ofSystem(err)
}

// ofSQLite returns what a result code of SQLite means. SQLite reports a full disk, but
// not why a file cannot be opened or another write failed.
func ofSQLite(code int) Lack {
	if code == sqlite3.SQLITE_IOERR_NOMEM {
		return Memory
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return Room
	case sqlite3.SQLITE_NOMEM:
		return Memory
	case sqlite3.SQLITE_IOERR:
		return Disk
	case sqlite3.SQLITE_CANTOPEN:
		f, err := os.Open(os.DevNull)
		if err == nil {
			f.Close()
			return Disk
		}
		if lack := Lacks(err); lack != None {
			return lack
		}
		return Disk
	}
	return None
}

// meanings are what the owner reads about each lack.
var meanings = map[Lack]struct {
	code       order.Code
	text, hint string
}{
	Room:        {order.CodeDiskFull, "the disk is full", "make room in the data folder; work resumes by itself"},
	Descriptors: {order.CodeNoDescriptors, "this process has no file descriptors left", "raise its limit (LimitNOFILE in systemd, ulimit -n in a shell) and restart"},
	Memory:      {order.CodeNoMemory, "this machine has no memory left", "free some memory; work resumes by itself"},
	Processes:   {order.CodeNoProcesses, "this machine starts no more processes", "raise the limit (TasksMax in systemd, ulimit -u in a shell) and restart"},
	Disk:        {order.CodeDiskFailed, "the disk cannot be read or written", "look at the disk, its limits and the kernel's log; work resumes by itself"},
}

// retry is how long work waits for what the machine lacks.
const retry = 30 * time.Second

// Failure returns the failure of work that met err, if the machine caused it, else
// nil. The work waits, which uses no attempt. Its charge is nothing: work that was
// paid for must not use it, or it would be paid for at each try.
func Failure(err error) *order.Failure {
	lack := Lacks(err)
	if lack == None {
		return nil
	}
	m := meanings[lack]
	return &order.Failure{
		Class: order.Wait, Code: m.code, Err: fmt.Errorf("%s: %w", m.text, err),
		Hint: m.hint, After: retry, Charge: order.ChargeNone,
	}
}

// Codes returns the codes of the failures that Failure returns.
func Codes() (list []order.Code) {
	for _, m := range meanings {
		list = append(list, m.code)
	}
	return list
}

// persistEvery is the time between two tries of Persist.
const persistEvery = 2 * time.Second

// Persist calls do until it succeeds or fails for a reason that is not the machine's,
// and returns that. It is for results that exist only in memory. It calls failing at
// each failure, and stops when ctx ends.
func Persist(ctx context.Context, failing func(error), do func() error) error {
	for {
		err := do()
		if Lacks(err) == None {
			return err
		}
		failing(err)
		beat.Sleep(ctx, persistEvery, nil)
		if ctx.Err() != nil {
			return err
		}
	}
}
