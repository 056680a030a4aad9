//go:build unix

package fulfill

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestAFolderLeftReadOnlyIsMadeWritable guards what a program leaves that the daemon has to
// remove, and what a link of it leads to.
func TestAFolderLeftReadOnlyIsMadeWritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	round, other := filepath.Join(dir, WorkDir, "ord_1", "r0"), filepath.Join(dir, "other")
	deep := filepath.Join(round, "a1", "cache")
	err := errors.Join(
		os.MkdirAll(deep, 0o700), os.Mkdir(other, 0o700), os.WriteFile(filepath.Join(deep, "x"), nil, 0o400),
		os.Symlink(other, filepath.Join(round, "link")),
		os.Chmod(deep, 0o500), os.Chmod(filepath.Dir(deep), 0o500), os.Chmod(round, 0o500), os.Chmod(other, 0o500),
	)
	if err != nil {
		t.Fatal(err)
	}
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	readOnly := mode(other)
	unlock(round)
	for _, path := range []string{round, filepath.Dir(deep), deep} {
		if mode(path)&0o200 == 0 {
			t.Errorf("%s has the mode %o", path, mode(path))
		}
	}
	if mode(other) != readOnly {
		t.Errorf("a link was followed: %o", mode(other))
	}
	if err := clearFolder(round); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(round); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there still: %v", err)
	}
}
