// Package db holds the database's migrations and views inside the binary. It
// must not know how they are run.
package db

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// Views creates all views. It fits the schema after the newest migration.
//
//go:embed views.sql
var Views string

// Migrations returns the goose migrations, named 00001_name.sql and so on.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return sub
}
