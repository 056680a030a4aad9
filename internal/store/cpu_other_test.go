//go:build !unix

package store

import (
	"testing"
	"time"
)

// cpu skips the benchmark because it only measures on Unix.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	b.Skip("no measure of processor time on this system")
	return 0
}
