//go:build !unix

package media

import (
	"io/fs"
	"os"
)

// openNoFollow opens a file for reading, but not through a symbolic link. It looks
// first and then opens, so a program that changes the path in between can still
// have a link followed.
func openNoFollow(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, errSymlink
	}
	return os.Open(path)
}
