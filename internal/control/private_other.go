//go:build !unix

package control

import "syscall"

// private does nothing: the socket is as private as its folder.
func private(_, _ string, _ syscall.RawConn) error { return nil }
