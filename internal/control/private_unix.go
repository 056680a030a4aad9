//go:build unix

package control

import "syscall"

// private makes the file of a socket private from its first moment, where the system
// takes its mode from that of the socket, as Linux does.
func private(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
}
