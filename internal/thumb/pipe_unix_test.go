//go:build unix

package thumb

import (
	"syscall"
	"testing"
)

// pipe makes a pipe, which blocks whoever opens it.
func pipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
