package main_test

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// newDisk puts the data folder on a disk of its own, if the user may mount one. It is
// full when its size is what it holds.
func (s *fixture) newDisk() disk {
	s.t.Helper()
	data := filepath.Join(s.dir, "data")
	if !s.mount(data) {
		return s.hookedDisk()
	}
	return disk{
		full: func() {
			s.t.Helper()
			for range 1000 { // the daemon writes meanwhile
				var st unix.Statfs_t
				err := unix.Statfs(data, &st)
				if err == nil {
					// A size of 0 is no limit, and one that has none takes no other again.
					err = resize(data, max(st.Blocks-st.Bfree, 1)*uint64(st.Bsize))
				}
				if err == nil {
					return
				}
				if !errors.Is(err, unix.EINVAL) {
					s.t.Fatal(err)
				}
			}
			s.t.Error("the disk could not be filled")
		},
		room: func() {
			s.t.Helper()
			if err := resize(data, 1<<30); err != nil {
				s.t.Fatal(err)
			}
		},
	}
}

func resize(dir string, bytes uint64) error {
	return unix.Mount("", dir, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", bytes))
}
