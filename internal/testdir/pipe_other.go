//go:build !unix

package testdir

import "testing"

// Pipe skips the test because this system has no named pipes in the file system.
func Pipe(tb testing.TB, _ string) {
	tb.Helper()
	tb.Skip("no named pipes on this system")
}
