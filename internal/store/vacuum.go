package store

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"atelierd/internal/disk"
)

// ErrNoRoom is returned where the disk lacks the room to write the database again.
var ErrNoRoom = errors.New("too little room on the disk")

// Vacuum writes the database of a data folder again, without its free pages, so that it
// returns those of later removals bit by bit. It returns its size before and after. No
// daemon may run meanwhile. If it is cut short, the old content stays.
func Vacuum(dir string) (before, after int64, err error) {
	path, err := existing(dir)
	if err != nil {
		return 0, 0, err
	}
	s := newStore(Options{Dir: dir})
	if s.lock, err = takeLock(dir); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.lock.release()) }()
	db, err := openPool(path, 1, false)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	have, target, err := s.compare(db, path)
	if err != nil {
		return 0, 0, err
	}
	if have.version < target {
		return 0, 0, fmt.Errorf("%w: it has version %d, this program knows %d", ErrOlder, have.version, target)
	}
	if before, err = size(path); err != nil {
		return 0, 0, err
	}
	// The new content is written to a file next to it first, then to the log.
	if free, err := disk.Free(dir); err == nil && free < 2*before {
		return before, before, fmt.Errorf("%w: the database has %d bytes, and twice that must be free", ErrNoRoom, before)
	}
	if err := vacuum(db, dir); err != nil {
		return before, before, fmt.Errorf("write the database again: %w", err)
	}
	after, err = size(path)
	return before, after, err
}

func vacuum(db *sql.DB, dir string) error {
	for _, statement := range []string{
		"PRAGMA temp_store = file",
		"PRAGMA temp_store_directory = '" + strings.ReplaceAll(dir, "'", "''") + "'",
		fmt.Sprintf("PRAGMA auto_vacuum = %d", incrementalVacuum),
		"VACUUM",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
