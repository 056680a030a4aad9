package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// opcodes returns the operations of a statement as the writer runs it.
func opcodes(t *testing.T, s *Store, sql string) []string {
	t.Helper()
	rows, err := s.writer.conn.QueryContext(context.Background(), "EXPLAIN "+sql, make([]any, strings.Count(sql, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var op string
		var rest [6]any
		var addr int
		if err := rows.Scan(&addr, &op, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4], &rest[5]); err != nil {
			t.Fatal(err)
		}
		list = append(list, op)
	}
	return list
}

// TestNoCheckBuildsAnIndex guards that the checks of the two tables that a first poll
// fills need no temporary index for each row, and that they still refuse.
func TestNoCheckBuildsAnIndex(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	list := queries(t)
	for _, name := range []string{"InsertOrder", "InsertJob"} {
		if slices.Contains(opcodes(t, s, list[name]), "OpenEphemeral") {
			t.Errorf("%s builds a temporary index", name)
		}
	}
	for _, c := range []struct{ table, column string }{{"orders", "state"}, {"jobs", "kind"}, {"jobs", "stage"}, {"jobs", "state"}} {
		if _, err := s.writer.conn.ExecContext(context.Background(), fmt.Sprintf("UPDATE %s SET %s = 'other'", c.table, c.column)); err == nil {
			t.Errorf("%s.%s takes an unknown word", c.table, c.column)
		}
	}
	if got := scan[string](t, s.reads, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}
