package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindPrefersTheFlagThenTheWorkingFolderThenTheUsersFolderThenTheSystems(t *testing.T) {
	t.Parallel()
	dir, user, system := t.TempDir(), t.TempDir(), t.TempDir()
	inDir, inUser, inSystem := filepath.Join(dir, FileName), filepath.Join(user, "atelierd", FileName), filepath.Join(system, FileName)

	_, err := find(dir, user, system)
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(e.Hint, "atelierd init") || e.Error() != "there is no "+inDir+" and no "+inUser+" and no "+inSystem {
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
		if got, err := find(dir, user, system); got != want || err != nil {
			t.Errorf("find = %q, %v; want %q", got, err, want)
		}
	}
	put(inSystem)
	expect(inSystem)
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
