package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"atelierd/db"
	"atelierd/internal/order"
)

// latest returns the version of this program's newest migration.
func latest(t *testing.T) int {
	t.Helper()
	names, err := fs.Glob(db.Migrations(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal("no migrations", err)
	}
	version, _, _ := strings.Cut(names[len(names)-1], "_")
	n, err := strconv.Atoi(version)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// withOneMore opens dir with a program that has one more migration.
func withOneMore(t *testing.T, dir, sql string) (*Store, error) {
	t.Helper()
	all := fstest.MapFS{"99999_more.sql": {Data: []byte("-- +goose Up\n" + sql)}}
	names, err := fs.Glob(db.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(db.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	s := newStore(Options{Dir: dir})
	s.migrations = all
	if s.lock, err = takeLock(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.open()
}

func TestAnUpgradeKeepsABackupOfTheFileBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	s.Close()
	for range 3 { // a service manager starts it again and again
		s, err := withOneMore(t, dir, "CREATE TABLE more (x); SELECT nonsense;")
		if err == nil || !strings.Contains(err.Error(), "migrate the database") {
			t.Fatalf("a migration that fails: %v", err)
		}
		s.Close()
	}
	again := openNew(t, Options{Dir: dir})
	if o := getOrder(t, again, "o1"); o.State != order.StateWorking {
		t.Errorf("after a failed upgrade the order is %s", o.State)
	}
	again.Close()

	s, err := withOneMore(t, dir, "CREATE TABLE more (x);")
	if err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, s.reads, "SELECT count(*) FROM more"); n != 0 {
		t.Errorf("%d rows", n)
	}
	s.Close()
	backups, err := filepath.Glob(filepath.Join(dir, "atelierd-v*"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, fmt.Sprintf("atelierd-v%d.db", latest(t)))}; !slices.Equal(backups, want) {
		t.Fatalf("backups %v, want %v: one a version", backups, want)
	}
	// The way back: the backup in a folder of its own is what it was.
	old := t.TempDir()
	if err := os.Rename(backups[0], filepath.Join(old, FileName)); err != nil {
		t.Fatal(err)
	}
	restored := openNew(t, Options{Dir: old})
	take(t, restored, order.LaneGenerate)
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrNewer) {
		t.Errorf("the upgraded file opens in the older program: %v", err)
	}
}

func TestReadersDoNotUpgrade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openNew(t, Options{Dir: dir}).Close()
	mustExec(t, outside(t, dir), fmt.Sprint("DELETE FROM goose_db_version WHERE version_id = ", latest(t)))
	for name, open := range map[string]func() error{
		"OpenReader": func() error { _, err := OpenReader(dir); return err },
		"OpenOwner":  func() error { _, err := OpenOwner(dir, "cli:test"); return err },
	} {
		if err := open(); !errors.Is(err, ErrOlder) {
			t.Errorf("%s of an older file: %v", name, err)
		}
	}
}
