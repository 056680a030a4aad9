// Package migrate brings a small database up to date with its migrations. The ledger has a
// way of its own, which makes a copy first.
//
// It must not know what is in the database.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewer is returned for a database of a newer program.
var ErrNewer = errors.New("it was written by a newer version of this program; update it")

// Up runs the migrations of the files that the database lacks.
func Up(ctx context.Context, database *sql.DB, files fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, database, files)
	if err != nil {
		return err
	}
	list := provider.ListSources()
	switch version, err := provider.GetDBVersion(ctx); {
	case err != nil:
		return err
	case version > list[len(list)-1].Version:
		return ErrNewer
	}
	_, err = provider.Up(ctx)
	return err
}
