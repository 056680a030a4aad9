package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindGoesFromTheFlagToTheFolderToTheUser(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("HOME", home)
	t.Chdir(t.TempDir())

	_, err := Find("")
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(e.Hint, "atelierd init") || !strings.Contains(e.Error(), "there is no atelierd.toml and no "+home) {
		t.Fatalf("Find with no file = %v", err)
	}
	users, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	put := func(path string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(explicit, want string) {
		t.Helper()
		if got, err := Find(explicit); got != want || err != nil {
			t.Errorf("Find(%q) = %q, %v; want %q", explicit, got, err, want)
		}
	}
	put(filepath.Join(users, "atelierd", FileName))
	expect("", filepath.Join(users, "atelierd", FileName))
	put(FileName)
	expect("", FileName)
	expect("other.toml", "other.toml")
}

func TestAFileThatCannotBeReadIsAnErrorWithItsPath(t *testing.T) {
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
