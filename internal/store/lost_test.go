package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/ledger"
	"atelierd/internal/order"
)

// TestADisplacedDatabaseIsNoticedAndSaved guards that nothing is lost when somebody
// removes or replaces the file of a running daemon.
func TestADisplacedDatabaseIsNoticedAndSaved(t *testing.T) {
	t.Parallel()
	for want, act := range map[string]func(path string) error{
		"was removed": os.Remove,
		"was replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, []byte("another"), 0o600))
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			s := openNew(t, Options{Dir: dir})
			if why := s.Displaced(); why != "" {
				t.Fatalf("at the start it %s", why)
			}
			if err := act(filepath.Join(dir, FileName)); err != nil {
				t.Fatal(err)
			}
			if why := s.Displaced(); why != want {
				t.Errorf("it %q, want %q", why, want)
			}
			if err := s.SetFact("after", "kept"); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, RescuedName), filepath.Join(dir, FileName)); err != nil {
				t.Fatal(err)
			}
			again := openNew(t, Options{Dir: dir})
			if got, err := again.Fact(t.Context(), "after"); got != "kept" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// What an emptied file had is gone, so only the notice is left.
func TestAnEmptiedDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	if err := os.Truncate(filepath.Join(s.dir, FileName), 0); err != nil {
		t.Fatal(err)
	}
	if why := s.Displaced(); why != "was emptied" {
		t.Errorf("it %q", why)
	}
}

// TestACopyThatFailsReplacesNoEarlierOne guards what an earlier run has saved.
func TestACopyThatFailsReplacesNoEarlierOne(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	rescued := filepath.Join(dir, RescuedName)
	inTheWay := filepath.Join(rescued+".part", "file") // a folder that is not empty cannot be removed
	if err := errors.Join(os.WriteFile(rescued, []byte("saved before"), 0o600), os.MkdirAll(inTheWay, 0o700),
		os.Truncate(filepath.Join(dir, FileName), 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil {
		t.Error("the close reports no error")
	}
	if data, err := os.ReadFile(rescued); string(data) != "saved before" || err != nil {
		t.Errorf("the earlier copy holds %.20q, %v", data, err)
	}
}

func TestALostDatabaseIsNotTakenForANewFolder(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	openNew(t, Options{Dir: dir}).Close()
	path := filepath.Join(dir, FileName)
	lost := func() error { _, err := OpenReader(dir); return errors.Join(Lost(dir), err) }
	if err := ledger.WriteMark(dir, order.Mark{Ledger: "one"}); err != nil {
		t.Fatal(err)
	}
	if err := Lost(dir); err != nil {
		t.Errorf("with its database: %v", err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if err := lost(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("emptied: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := lost(); !errors.Is(err, ErrLost) {
		t.Errorf("removed: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, ledger.MarkName)); err != nil {
		t.Fatal(err)
	}
	if err := Lost(dir); err != nil {
		t.Errorf("a folder that never had one: %v", err)
	}
}

func TestADamagedDatabaseIsRecognized(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	var page, size int
	row := s.reads.QueryRow("SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'orders_created'")
	if err := row.Scan(&page, &size); err != nil {
		t.Fatal(err)
	}
	s.Close()
	data, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	copy(data[(page-1)*size:], strings.Repeat("\xff", size)) // SQLite still opens it
	if err := os.WriteFile(filepath.Join(dir, FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(t.Context()); !IsDamaged(err) {
		t.Errorf("a check sees %v", err)
	}
	r.Close()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(dir); !IsDamaged(err) {
		t.Errorf("a reader sees %v", err)
	}
	if _, err := Open(Options{Dir: dir}); !IsDamaged(err) {
		t.Errorf("a start sees %v", err)
	}
}
