//go:build unix

package thumb

import "syscall"

// noWait opens a pipe, which may have taken the place of a file, without waiting for its
// other end.
const noWait = syscall.O_NONBLOCK
