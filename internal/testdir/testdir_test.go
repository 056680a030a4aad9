package testdir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"atelierd/internal/testdir"
)

//nolint:tparallel // its subtest must have ended before the check
func TestAFolderIsEmptyAndIsRemovedAfterItsTest(t *testing.T) {
	t.Parallel()
	var dir string
	// The subtest is not parallel: its cleanup must have run before the check.
	t.Run("use", func(t *testing.T) {
		dir = testdir.New(t)
		if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
			t.Errorf("a new folder holds %v, %v", list, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the test: %v, want that the folder is gone", err)
	}
}
