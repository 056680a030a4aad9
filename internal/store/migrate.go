package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

// applicationID marks the file as ours ("atlr"), so that another program's
// database is never migrated by mistake.
const applicationID = 0x61746c72

// schema is what a database file says about itself.
type schema struct {
	application int
	tables      int
	version     int64 // of the newest migration; 0 in an empty file
	views       int   // see viewsID; 0 while the views are not those of a views.sql
}

// readSchema reads the schema of the file behind db. It asks goose's table
// itself: building a goose provider costs more than the rest of an open.
func readSchema(db *sql.DB) (s schema, err error) {
	var migrated bool
	err = db.QueryRow(`SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema),
		EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`).
		Scan(&s.application, &s.views, &s.tables, &migrated)
	if err != nil || !migrated {
		return s, err
	}
	err = db.QueryRow("SELECT coalesce(max(version_id), 0) FROM goose_db_version").Scan(&s.version)
	return s, err
}

// newest returns the version of the newest migration that this program knows.
func (s *Store) newest() (int64, error) {
	names, err := fs.Glob(s.migrations, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(errors.New("the program has no migrations"), err)
	}
	version, _, _ := strings.Cut(names[len(names)-1], "_")
	return strconv.ParseInt(version, 10, 64)
}

// compare reads the schema of the file at path and the newest version that this
// program knows. It fails if the file is not ours or is newer.
func (s *Store) compare(db *sql.DB, path string) (have schema, target int64, err error) {
	if have, err = readSchema(db); err != nil {
		return have, 0, fmt.Errorf("open %s: %w", path, err)
	}
	if have.application != applicationID && (have.application != 0 || have.tables > 0) {
		return have, 0, fmt.Errorf("%s is not a database of atelierd", path)
	}
	if target, err = s.newest(); err != nil {
		return have, 0, err
	}
	if have.version > target {
		return have, target, fmt.Errorf("%w: it has version %d, this program knows %d", ErrNewer, have.version, target)
	}
	return have, target, nil
}

// migrate brings the file up to date. It backs up before an upgrade and never
// goes down. The views are dropped first and created last. A crash in between
// leaves a file without views, which the next open finishes.
func (s *Store) migrate(path string) error {
	have, target, err := s.compare(s.db, path)
	if err != nil {
		return err
	}
	if have.version == target && have.views == viewsID(s.views) {
		return nil
	}
	if have.version < target {
		if err := s.upgrade(have); err != nil {
			return err
		}
	}
	return s.createViews()
}

func (s *Store) upgrade(have schema) error {
	if have.version > 0 {
		if err := s.backupBefore(have.version); err != nil {
			return err
		}
		var orders int
		if err := s.db.QueryRow("SELECT count(*) FROM orders").Scan(&orders); err != nil {
			return fmt.Errorf("count the orders: %w", err)
		}
		s.log.Info("upgrading the database; nothing is polled meanwhile", "from", have.version, "orders", orders)
	}
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("stamp the database: %w", err)
	}
	// The migrations before views.sql make and drop views of their own.
	if have.views != 0 {
		if err := s.dropViews(); err != nil {
			return err
		}
	}
	provider, err := s.newProvider(s.db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(noCancel); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// backupBefore copies the file before an upgrade. There is one copy for each
// version: an upgrade that fails at each start must not fill the disk.
func (s *Store) backupBefore(version int64) error {
	to := filepath.Join(s.dir, fmt.Sprintf("atelierd-v%d.db", version))
	if err := copyTo(noCancel, s.db, to); err != nil {
		return fmt.Errorf("back up before the upgrade: %w", err)
	}
	s.log.Info("backed up the database before its upgrade", "file", to)
	return nil
}

// copyTo writes a copy of the database, which is private from the first moment. It
// replaces an older one only by a whole one.
func copyTo(ctx context.Context, db *sql.DB, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makePrivate(part); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}

// newProvider returns a provider that must not be closed: that would close conn.
func (s *Store) newProvider(conn *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, conn, s.migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithVerbose(true),
		goose.WithSlog(slog.New(quiet{s.log.Handler()})))
}

// quiet logs the info lines of a library as debug lines.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, lower(l))
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return q.Handler.Handle(ctx, r)
}

func lower(l slog.Level) slog.Level {
	if l == slog.LevelInfo {
		return slog.LevelDebug
	}
	return l
}
