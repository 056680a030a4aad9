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

	"github.com/pressly/goose/v3"
)

// applicationID marks the file as ours ("atlr"), so that another program's
// database is never migrated by mistake.
const applicationID = 0x61746c72

// migrate brings the file up to date. It refuses a file that is not ours or is
// newer than this program, backs up before an upgrade, and never goes down.
func (s *Store) migrate(path string) error {
	var id, tables int
	if err := s.db.QueryRow("PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := s.db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return fmt.Errorf("%s is not a database of atelierd", path)
	}
	provider, err := s.newProvider(s.db)
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(noCancel)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	if err := refuseNewer(current, target); err != nil {
		return err
	}
	if current == target {
		return nil
	}
	if current > 0 {
		if err := s.backupBefore(current); err != nil {
			return err
		}
	}
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("stamp the database: %w", err)
	}
	if _, err := provider.Up(noCancel); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return os.Chmod(path, 0o600)
}

func refuseNewer(current, target int64) error {
	if current > target {
		return fmt.Errorf("%w: it has version %d, this program knows %d", ErrNewer, current, target)
	}
	return nil
}

// backupBefore copies the file as it is before an upgrade. There is one copy a
// version, the latest: an upgrade that fails at each start must not fill the disk.
func (s *Store) backupBefore(version int64) error {
	to := filepath.Join(s.dir, fmt.Sprintf("atelierd-v%d.db", version))
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up before the upgrade: %w", err)
	}
	if _, err := s.db.Exec("VACUUM INTO ?", part); err != nil {
		return fmt.Errorf("back up before the upgrade: %w", err)
	}
	if err := errors.Join(os.Chmod(part, 0o600), os.Rename(part, to)); err != nil {
		return fmt.Errorf("back up before the upgrade: %w", err)
	}
	s.log.Info("backed up the database before its upgrade", "file", to)
	return nil
}

// newProvider must not be closed: that would close the database.
func (s *Store) newProvider(conn *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, conn, s.migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithVerbose(true),
		goose.WithSlog(slog.New(quiet{s.log.Handler()})))
}

// quiet shows a library's info as debug: an owner does not wait for it.
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
