package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"atelierd/internal/ledger"

	sqlite3 "modernc.org/sqlite/lib"
)

// RescuedName is the copy that Close leaves of a database whose file was removed or
// replaced while it was open. Nothing can be read of one that was emptied.
const RescuedName = "atelierd-rescued.db"

// Lost returns an error with ErrLost if the data folder had a database, as its mark
// shows, and has none now. A new one would begin without anything that was done.
func Lost(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, ledger.MarkName)); err != nil {
		return nil // there never was one
	}
	path := filepath.Join(dir, FileName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no %s", ErrLost, path)
	case err == nil && info.Size() == 0:
		return fmt.Errorf("%w: %s is empty", ErrLost, path)
	}
	return nil
}

// errDamaged is what Check reports of a file that SQLite can still read.
var errDamaged = errors.New("the database is damaged")

// Check reads the whole file and fails if it is damaged. It takes seconds for a large one.
func (s *Store) Check(ctx context.Context) error {
	var found string
	if err := s.reads.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %.200q", errDamaged, found)
	}
	return nil
}

// IsDamaged reports whether err says that the file is not a sound database.
func IsDamaged(err error) bool {
	return errors.Is(err, errDamaged) || hasCode(err, sqlite3.SQLITE_CORRUPT) || hasCode(err, sqlite3.SQLITE_NOTADB)
}

// remember notes which file is open.
func (s *Store) remember(path string) (err error) {
	s.file, err = os.Stat(path)
	return err
}

// Displaced returns how the database's file differs from the one that is open, or "".
// What is written then goes into a file that nobody else can open.
func (s *Store) Displaced() string {
	info, err := os.Stat(filepath.Join(s.dir, FileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "was removed"
	case err != nil:
		return "" // unknown
	case !os.SameFile(info, s.file):
		return "was replaced"
	case info.Size() == 0:
		return "was emptied"
	}
	return ""
}

// saveDisplaced copies the open database next to where its file was, if that file is
// gone or another one.
func (s *Store) saveDisplaced() error {
	if s.file == nil {
		return nil // it was not opened to the end
	}
	why := s.Displaced()
	if why == "" {
		return nil
	}
	path := filepath.Join(s.dir, RescuedName)
	if err := copyTo(noCancel, s.db, path); err != nil {
		return fmt.Errorf("save the database, whose file %s: %w", why, err)
	}
	s.log.Error("the database's file is gone or another one; all that the database had is in a copy", "file", why, "copy", path,
		"hint", "move the copy to "+filepath.Join(s.dir, FileName)+" before the next start")
	return nil
}
