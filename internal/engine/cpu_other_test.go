//go:build !unix

package engine_test

import (
	"testing"
	"time"
)

// cpuTime skips the benchmark because it only measures on Unix.
func cpuTime(b *testing.B) time.Duration {
	b.Skip("no measure of processor time on this system")
	return 0
}
