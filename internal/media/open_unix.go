//go:build unix

package media

import (
	"errors"
	"os"
	"syscall"
)

// openNoFollow opens a file for reading, but not through a symbolic link. Opening a
// pipe without a writer does not block.
func openNoFollow(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errSymlink
	}
	return f, err
}
