package store

import (
	"database/sql"
	"fmt"
	"hash/crc32"
	"strings"
)

// viewsID identifies the text of a views.sql. The file keeps it as user_version,
// so that a program with other views replaces those of the file, and an open of
// an up-to-date file writes nothing. It is never 0.
func viewsID(text string) int {
	return int(crc32.ChecksumIEEE([]byte(text))>>1 | 1)
}

// createViews replaces all views of the file, in one transaction.
func (s *Store) createViews() error {
	return s.viewsTx(func(tx *sql.Tx) error {
		if _, err := tx.Exec(s.views); err != nil {
			return err
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", viewsID(s.views)))
		return err
	})
}

// dropViews drops all views of the file and marks it as one without views, so
// that a crash before createViews is repaired by the next open.
func (s *Store) dropViews() error {
	return s.viewsTx(func(tx *sql.Tx) error {
		_, err := tx.Exec("PRAGMA user_version = 0")
		return err
	})
}

// viewsTx drops all views and runs then, in one transaction.
func (s *Store) viewsTx(then func(*sql.Tx) error) (err error) {
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("replace the views: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it has nothing to do
	var drops string
	err = tx.QueryRow("SELECT coalesce(group_concat(format('DROP VIEW \"%w\";', name), ''), '') FROM sqlite_schema WHERE type = 'view'").Scan(&drops)
	if err != nil {
		return fmt.Errorf("list the views: %w", err)
	}
	if _, err := tx.Exec(drops); err != nil {
		return fmt.Errorf("drop the views: %w", err)
	}
	if err := then(tx); err != nil {
		return fmt.Errorf("replace the views: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("replace the views: %w", err)
	}
	return nil
}

// shadowViews gives db this program's views for as long as it is open. A reader
// cannot replace the views of a file that another version of the program
// manages, and its queries fit its own. db must have a single connection.
func shadowViews(db *sql.DB, text string) error {
	_, err := db.Exec(strings.ReplaceAll(text, "CREATE VIEW", "CREATE TEMP VIEW"))
	if err != nil {
		return fmt.Errorf("read with the views of this program: %w", err)
	}
	return nil
}
