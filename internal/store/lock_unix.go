//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks f until unlockFile, for this process alone or, if exclusive is
// false, shared with others. It does not wait: it fails with errHeld.
func lockFile(f *os.File, exclusive bool) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}

// unlockFile ends the lock on f in every process that has inherited f.
func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
