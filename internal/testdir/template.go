package testdir

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Template is a folder that is made once in a test process and copied for each
// test. Its fields must be set before the first use.
type Template struct {
	// Make writes the files of the template into dir.
	Make func(dir string) error
	// Files are the names of the files to copy.
	Files []string

	once sync.Once
	data map[string][]byte
	err  error
}

// New returns a folder, as New does, with a copy of the template's files.
func (t *Template) New(tb testing.TB) string {
	tb.Helper()
	dir := New(tb)
	t.Copy(tb, dir)
	return dir
}

// Copy writes the template's files into dir.
func (t *Template) Copy(tb testing.TB, dir string) {
	tb.Helper()
	t.once.Do(func() { t.err = t.build(New(tb)) })
	if t.err != nil {
		tb.Fatalf("make the template folder: %v", t.err)
	}
	for name, data := range t.data {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func (t *Template) build(dir string) error {
	if err := t.Make(dir); err != nil {
		return err
	}
	t.data = map[string][]byte{}
	for _, name := range t.Files {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		t.data[name] = data
	}
	return nil
}
