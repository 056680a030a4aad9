//go:build linux || darwin || freebsd

package disk

import (
	"io/fs"
	"syscall"
)

// taken returns the room that a file takes, and which one it is if it has several names.
func taken(info fs.FileInfo) (int64, inode) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size(), inode{}
	}
	size := int64(st.Blocks) * 512 //nolint:unconvert // the types differ by system
	if info.IsDir() || st.Nlink < 2 {
		return size, inode{}
	}
	return size, inode{uint64(st.Dev), st.Ino} //nolint:unconvert // the types differ by system
}
