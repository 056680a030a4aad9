// Package db holds the database's migrations and views inside the binary. It
// must not know how they are run.
package db

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql console/migrations/*.sql shared/migrations/*.sql
var files embed.FS

// Views creates all views. It fits the schema after the newest migration.
//
//go:embed views.sql
var Views string

// Migrations returns the goose migrations, named 00001_name.sql and so on.
func Migrations() fs.FS { return folder("migrations") }

// ConsoleMigrations returns the migrations of the database that says who may use the
// console.
func ConsoleMigrations() fs.FS { return folder("console/migrations") }

// SharedMigrations returns the migrations of the file that agents on one address share.
func SharedMigrations() fs.FS { return folder("shared/migrations") }

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return sub
}
