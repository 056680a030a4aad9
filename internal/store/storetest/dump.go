package storetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/store"
)

// Dump returns all rows of all tables of the ledger in a folder, so that a test sees whether
// anything has changed.
func Dump(tb testing.TB, dir string) string {
	tb.Helper()
	dsn := url.URL{Scheme: "file", Opaque: filepath.Join(dir, store.FileName), RawQuery: "mode=ro&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	var text strings.Builder
	for _, table := range rowsOf(tb, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1") {
		fmt.Fprintf(&text, "%v\n", table[0])
		for _, row := range rowsOf(tb, db, fmt.Sprintf("SELECT * FROM %q", table[0])) {
			fmt.Fprintf(&text, "\t%v\n", row)
		}
	}
	return text.String()
}

func rowsOf(tb testing.TB, db *sql.DB, query string) (list [][]any) {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), query)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			tb.Fatal(err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return list
}
