package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/filelock"
)

const lockName = "atelierd.lock"

// LockedError says which process holds a data folder. It is an ErrLocked.
type LockedError struct {
	Dir string
	PID int // 0 if it is not known
}

// Error describes the error.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another atelierd holds the data folder %s", e.Dir)
	}
	return fmt.Sprintf("another atelierd (pid %d) holds the data folder %s", e.PID, e.Dir)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// lock is an exclusive lock on a file in the data folder. The kernel releases it
// when the process ends, however it ends.
type lock struct {
	file *os.File
	left lockText // what an earlier holder has written
}

// lockText is the content of the lock file. It is for people and for commands; the lock
// does not depend on it.
type lockText struct {
	pid    int
	socket string // where commands reach the daemon; "" is the usual place
}

func (l lockText) String() string {
	if l.socket == "" {
		return fmt.Sprintln(l.pid)
	}
	return fmt.Sprintf("%d\n%s\n", l.pid, l.socket)
}

// maxLockText is more than a pid and the path of a socket need.
const maxLockText = 1024

func readLockText(r io.Reader) (t lockText) {
	text, err := io.ReadAll(io.LimitReader(r, maxLockText))
	if err != nil {
		return t
	}
	pid, rest, _ := strings.Cut(string(text), "\n")
	if t.pid, err = strconv.Atoi(strings.TrimSpace(pid)); err != nil {
		return lockText{}
	}
	t.socket, _, _ = strings.Cut(rest, "\n")
	return t
}

func takeLock(dir string) (*lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	err = filelock.Lock(f, true)
	for range 5 {
		if !errors.Is(err, filelock.ErrHeld) {
			break
		}
		// Holder takes the lock for a moment; a daemon keeps it.
		time.Sleep(10 * time.Millisecond)
		err = filelock.Lock(f, true)
	}
	if err != nil {
		defer f.Close()
		if errors.Is(err, filelock.ErrHeld) {
			return nil, &LockedError{dir, readLockText(f).pid}
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	l := &lock{file: f, left: readLockText(f)}
	if err := l.write(lockText{pid: os.Getpid()}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

func (l *lock) write(t lockText) error {
	if err := l.file.Truncate(0); err != nil {
		return nil // such as on a file system that is full; the lock itself is held
	}
	if _, err := l.file.WriteAt([]byte(t.String()), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// NameSocket writes into the lock file where commands reach this daemon, for a socket
// that is not in its usual place.
func (s *Store) NameSocket(path string) error {
	return s.lock.write(lockText{pid: os.Getpid(), socket: path})
}

// SocketLeft returns the socket that an earlier daemon has named, or "".
func (s *Store) SocketLeft() string { return s.lock.left.socket }

// release unlocks the file before it closes it. A child that this process is just
// starting shares the open file until it runs its program, and a close alone would
// leave the lock with the child.
func (l *lock) release() error { return errors.Join(filelock.Unlock(l.file), l.file.Close()) }

// Holder returns the process id of the daemon that holds dir, or 0 if none does.
func Holder(dir string) int {
	pid, _ := Holding(dir)
	return pid
}

// Holding is Holder, and returns the socket that the daemon has named: "" is the usual
// place.
func Holding(dir string) (pid int, socket string) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0, ""
	}
	defer f.Close()
	if filelock.Lock(f, false) == nil {
		_ = filelock.Unlock(f) // otherwise closing the file releases it
		return 0, ""
	}
	t := readLockText(f)
	return t.pid, t.socket
}
