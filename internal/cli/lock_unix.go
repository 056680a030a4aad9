//go:build unix

package cli

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile tries the lock that the daemon takes on its data folder.
func lockFile(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("its file system cannot lock files: %w", err)
	}
	return nil
}
