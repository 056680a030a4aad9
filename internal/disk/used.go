package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Used returns how many bytes the files below a folder take. A file with several names
// counts once, where the system can tell. What is removed meanwhile does not count.
func Used(dir string) (n int64, err error) {
	seen := map[inode]bool{}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		size, one := taken(info)
		if one != (inode{}) {
			if seen[one] {
				return nil
			}
			seen[one] = true
		}
		n += size
		return nil
	})
	return n, err
}

// inode identifies a file that has several names. It is zero for others.
type inode struct{ device, number uint64 }
