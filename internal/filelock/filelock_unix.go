//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Lock locks f until Unlock, for this process alone or, if exclusive is
// false, shared with others. It does not wait: it fails with ErrHeld.
func Lock(f *os.File, exclusive bool) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrHeld
	}
	return err
}

// Unlock ends the lock on f in every process that has inherited f.
func Unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
