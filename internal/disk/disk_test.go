package disk_test

import (
	"os"
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

func TestReservedRoomIsTakenUntilItsFileIsRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "reserved")
	if err := disk.Reserve(path, 3<<20); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 3<<20 {
		t.Errorf("the file is %v, %v; want one of 3 MiB", info, err)
	}
	free, err := disk.Free(filepath.Dir(path))
	if err != nil {
		t.Skip("how much is free is unknown here")
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := disk.Reserve(huge, free+1<<50); err == nil {
		t.Error("more room is reserved than there is")
	}
	if _, err := os.Stat(huge); !os.IsNotExist(err) {
		t.Errorf("a file for which there is no room is left: %v", err)
	}
}
