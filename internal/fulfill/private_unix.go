//go:build unix

package fulfill

import (
	"os"
	"syscall"
)

// makePrivate closes a file to other users, and reports whether it is closed. One that has
// another name too is left alone: the owner may share it under that name.
func makePrivate(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if info.Mode().Perm()&0o077 == 0 {
		return true
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 1 && os.Chmod(file, 0o600) == nil
}
