package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate takes room for the first n bytes of a file. Some file systems cannot do that
// without writing.
func allocate(f *os.File, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, n)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return fill(f, n)
		}
		return err
	}
}
