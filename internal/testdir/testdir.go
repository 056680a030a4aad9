// Package testdir makes folders for tests in memory. A durable commit waits for
// the disk, which takes most of the time of a test with a database. A process that
// is killed leaves the same files in memory as on a disk, so only a test about the
// loss of power would need the disk.
//
// Only tests may import it.
package testdir

import (
	"os"
	"path/filepath"
	"testing"
)

// memory is a file system in memory. Linux has it; elsewhere it does not exist.
const memory = "/dev/shm"

// New returns an empty folder that is removed at the end of the test. It is in
// memory where the system has such a file system, and else in tb.TempDir. It is alone
// in its parent folder, so that a test can see what was written outside of it.
func New(tb testing.TB) string {
	tb.Helper()
	parent, err := os.MkdirTemp(memory, "atelierd-test-")
	if err != nil {
		parent, err = os.MkdirTemp(tb.TempDir(), "")
	} else {
		tb.Cleanup(func() {
			if err := os.RemoveAll(parent); err != nil {
				tb.Errorf("remove the folder of the test: %v", err)
			}
		})
	}
	dir := filepath.Join(parent, "data")
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}
