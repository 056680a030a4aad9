//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks f until it is closed, for this process alone or, if exclusive is
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
