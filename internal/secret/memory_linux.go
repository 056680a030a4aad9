package secret

import "golang.org/x/sys/unix"

// HideMemory makes the memory and the environment of this process unreadable for other
// processes of the same user, and keeps them out of core dumps. Programs that it starts
// are not affected.
func HideMemory() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
