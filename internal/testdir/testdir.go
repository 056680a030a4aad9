// Package testdir makes folders for tests in memory. A durable commit waits for
// the disk, which takes most of the time of a test with a database. A process that
// is killed leaves the same files in memory as on a disk, so only a test about the
// loss of power would need the disk.
//
// Only tests may import it.
package testdir

import (
	"os"
	"testing"
)

// memory is a file system in memory. Linux has it; elsewhere it does not exist.
const memory = "/dev/shm"

// New returns an empty folder that is removed at the end of the test. It is in
// memory where the system has such a file system, and else that of tb.TempDir.
func New(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp(memory, "atelierd-test-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove the folder of the test: %v", err)
		}
	})
	return dir
}
