package systemd

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Confined reports whether the unit denies programs memory that is writable and executable,
// or namespaces, as atelierd.service does without its drop-in for programs. What the unit
// does not deny is not looked at, because a container may deny the same.
func Confined(getenv func(string) string) bool {
	if getenv("INVOCATION_ID") == "" {
		return false
	}
	return deniesCode() || deniesNamespaces()
}

// deniesCode reports whether memory that was written cannot be made executable.
func deniesCode() bool {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return false
	}
	err = unix.Mprotect(page, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC)
	return errors.Join(err, unix.Munmap(page)) != nil
}

// deniesNamespaces reports whether programs can make no user namespace. A process with
// threads, as this one, can make none itself: without a filter the answer is EINVAL.
func deniesNamespaces() bool { return errors.Is(unix.Unshare(unix.CLONE_NEWUSER), unix.EPERM) }
