// Package db carries the database's migrations inside the binary. It must not
// know how they are run.
package db

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations holds the goose migrations, named 00001_name.sql and so on.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return sub
}
