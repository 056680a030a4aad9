package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFreshFolderGetsAPrivateDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "data")
	openNew(t, Options{Dir: dir})
	for path, want := range map[string]fs.FileMode{
		dir: 0o700, filepath.Join(dir, FileName): 0o600, filepath.Join(dir, FileName+"-wal"): 0o600,
		filepath.Join(dir, FileName+"-shm"): 0o600, filepath.Join(dir, lockName): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
	file := outside(t, dir)
	if id := scan[int](t, file, "PRAGMA application_id"); id != applicationID {
		t.Errorf("application_id %#x, want %#x", id, applicationID)
	}
	if mode := scan[string](t, file, "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("journal mode %s", mode)
	}
}

// TestTheDatabaseIsPrivateBeforeAnythingIsWritten guards what a crash during the first
// start leaves, what an earlier version left open, and the backup of an upgrade.
func TestTheDatabaseIsPrivateBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.WriteFile(path+end, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := makePrivate(path); err != nil {
		t.Fatal(err)
	}
	s := openNew(t, Options{Dir: newDir(t)})
	backup := filepath.Join(dir, "copy.db")
	if err := copyTo(t.Context(), s.reads, backup); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm", backup} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(file), got)
		}
	}
}

func TestEveryWriteIsSyncedToTheDisk(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for pragma, want := range map[string]int{"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "journal_size_limit": 64 << 20} {
		var got int
		if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %d, want %d", pragma, got, want)
		}
	}
}

func TestADatabaseFromANewerProgramIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	s.Close()
	file := outside(t, dir)
	mustExec(t, file, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	file.Close()
	for name, open := range map[string]func() error{
		"Open":       func() error { _, err := Open(Options{Dir: dir}); return err },
		"OpenReader": func() error { _, err := OpenReader(dir); return err },
		"OpenOwner":  func() error { _, err := OpenOwner(dir, "cli:test"); return err },
	} {
		if err := open(); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "99") {
			t.Errorf("%s: %v, want ErrNewer with the version", name, err)
		}
	}
	if Holder(dir) != 0 {
		t.Error("a refused Open keeps the lock")
	}
	if n := scan[int](t, outside(t, dir), "SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("%d orders are left, want 1", n)
	}
}

func TestAnotherProgramsDatabaseIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"with tables": {"CREATE TABLE theirs (x)"},
		"stamped":     {"PRAGMA application_id = 77"},
		"both":        {"PRAGMA application_id = 77", "CREATE TABLE theirs (x)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := outside(t, dir)
			for _, statement := range statements {
				mustExec(t, file, statement)
			}
			before := scan[int](t, file, "SELECT count(*) FROM sqlite_master")
			if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not a database of atelierd") {
				t.Errorf("error %v", err)
			}
			if after := scan[int](t, file, "SELECT count(*) FROM sqlite_master"); after != before {
				t.Errorf("%d tables after, %d before", after, before)
			}
		})
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	text := strings.Repeat("this is not a database. ", 200)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil {
		t.Fatal("opened")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestAMissingDatabaseHasItsOwnError(t *testing.T) {
	t.Parallel()
	if _, err := OpenReader(t.TempDir()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("OpenReader: %v", err)
	}
	if _, err := OpenOwner(t.TempDir(), "cli:test"); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("OpenOwner: %v", err)
	}
}

func TestAFolderWithOddCharactersOpens(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my data?mode=memory#1 100% ü")
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		t.Error(err)
	}
}
