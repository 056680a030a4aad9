package disk_test

import (
	"path/filepath"
	"testing"

	"atelierd/internal/disk"
)

func TestAFolderHasRoomAndAMissingOneIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if free, err := disk.Free(dir); err != nil || free <= 0 {
		t.Errorf("%d bytes are free in a new folder, %v", free, err)
	}
	if err := disk.Writable(dir); err != nil {
		t.Errorf("a new folder: %v", err)
	}
	if free, err := disk.Free(filepath.Join(dir, "missing")); err == nil {
		t.Errorf("a missing folder has %d bytes free", free)
	}
}
