package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindPrefersTheFlagThenTheWorkingFolderThenTheUsersFolder(t *testing.T) {
	t.Parallel()
	dir, user := t.TempDir(), t.TempDir()
	inDir, inUser := filepath.Join(dir, FileName), filepath.Join(user, "atelierd", FileName)

	_, err := find(dir, user)
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(e.Hint, "atelierd init") || e.Error() != "there is no "+inDir+" and no "+inUser {
		t.Fatalf("find without a file = %v", err)
	}
	put := func(path string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string) {
		t.Helper()
		if got, err := find(dir, user); got != want || err != nil {
			t.Errorf("find = %q, %v; want %q", got, err, want)
		}
	}
	put(inUser)
	expect(inUser)
	put(inDir)
	expect(inDir)
	if got, err := Find("other.toml"); got != "other.toml" || err != nil {
		t.Errorf("Find with a path = %q, %v", got, err)
	}
}

func TestAnUnreadableFileIsAnErrorWithItsPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "none.toml")
	_, err := Load(path)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Error() != path+": cannot be read: no such file or directory" || !strings.Contains(e.Hint, "init") {
		t.Errorf("Load = %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("Load of a folder = %v", err)
	}
	big := filepath.Join(dir, "big.toml")
	if err := os.WriteFile(big, make([]byte, maxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Load of a huge file = %v", err)
	}
}
