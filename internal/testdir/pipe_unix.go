//go:build unix

package testdir

import (
	"syscall"
	"testing"
)

// Pipe makes a named pipe at path. It skips the test on a system without them.
func Pipe(tb testing.TB, path string) {
	tb.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		tb.Fatal(err)
	}
}
