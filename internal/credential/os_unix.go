//go:build unix

package credential

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// inode differs for a file that was moved over another with the same size and time.
func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// openToOthers reports whether the mode lets other users read or write a file.
func openToOthers(mode fs.FileMode) bool { return mode&0o077 != 0 }

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
