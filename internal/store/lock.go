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
)

const lockName = "atelierd.lock"

// errHeld says that another process holds the lock on a file.
var errHeld = errors.New("the file is locked")

// lock is an exclusive lock on a file in the data folder. The kernel releases it
// when the process ends, however it ends.
type lock struct{ file *os.File }

func takeLock(dir string) (*lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	err = lockFile(f, true)
	for range 5 {
		if !errors.Is(err, errHeld) {
			break
		}
		// Holder takes the lock for a moment; a daemon keeps it.
		time.Sleep(10 * time.Millisecond)
		err = lockFile(f, true)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, errHeld) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	// The pid is for people and for waking the daemon. The lock does not depend on it.
	if err := f.Truncate(0); err == nil {
		if _, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
			return nil, errors.Join(fmt.Errorf("write the lock file: %w", err), f.Close())
		}
	}
	return &lock{f}, nil
}

// release unlocks the file before it closes it. A child that this process is just
// starting shares the open file until it runs its program, and a close alone would
// leave the lock with the child.
func (l *lock) release() error { return errors.Join(unlockFile(l.file), l.file.Close()) }

// Holder returns the process id of the daemon that holds dir, or 0 if none does.
func Holder(dir string) int {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0
	}
	defer f.Close()
	if lockFile(f, false) == nil {
		_ = unlockFile(f) // otherwise closing the file releases it
		return 0
	}
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
