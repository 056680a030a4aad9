//go:build linux || darwin || freebsd

package disk

import "golang.org/x/sys/unix"

// Free returns the number of bytes that this process may still write to the file
// system of dir.
func Free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ by system
}

// Writable reports an error when this process cannot create files in dir.
func Writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
