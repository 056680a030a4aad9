package viewsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// guard decides what a statement may do. The views name what it may read: a statement
// reads a table only inside of a view, and there only the columns that the view reads.
type guard struct {
	views     map[string]bool // those for people
	within    map[access]bool // what all views read
	tables    map[string]bool // all tables and views of the file, and those of SQLite
	functions map[string]bool
	learning  bool
	denied    string // why something was denied
}

// access is a column of a table that is read within a view, or whose rows are counted
// in a statement that reads the view.
type access struct{ within, table, column string }

// guarded puts a connection under a guard.
func guarded(ctx context.Context, conn *sql.Conn) (*guard, error) {
	g := &guard{within: map[access]bool{}, learning: true}
	if err := limit(conn); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		into  *map[string]bool
		query string
	}{
		// Only what SQLite itself calls innocuous in any schema.
		{&g.functions, fmt.Sprintf("SELECT name FROM pragma_function_list GROUP BY name HAVING min(flags & %d) > 0", sqlite3.SQLITE_INNOCUOUS)},
		{&g.tables, "SELECT name FROM sqlite_schema UNION SELECT name FROM pragma_module_list"},
		{&g.views, "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'v_*'"},
	} {
		var err error
		if *list.into, err = names(ctx, conn, list.query); err != nil {
			return nil, err
		}
	}
	err := conn.Raw(func(driver any) error {
		c, ok := driver.(sqlite.AuthorizerRegisterer)
		if !ok {
			return errors.New("the driver of the database has no authorizer")
		}
		return c.RegisterAuthorizer(g.authorize)
	})
	if err != nil {
		return nil, err
	}
	for view := range g.views {
		for _, what := range []string{"*", "count(*)"} {
			stmt, err := conn.PrepareContext(ctx, "SELECT "+what+` FROM "`+view+`"`)
			if err != nil {
				return nil, err
			}
			if err := stmt.Close(); err != nil { //nolint:sqlclosecheck // at once, in a loop
				return nil, err
			}
		}
	}
	g.learning = false
	return g, nil
}

// limit lowers the limits of SQLite for a connection.
func limit(conn *sql.Conn) error {
	for id, most := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH:              MaxValue,
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:          2 * MaxStatement,
		sqlite3.SQLITE_LIMIT_COLUMN:              100,
		sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          100,
		sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     50,
		sqlite3.SQLITE_LIMIT_VDBE_OP:             100_000,
		sqlite3.SQLITE_LIMIT_FUNCTION_ARG:        50,
		sqlite3.SQLITE_LIMIT_ATTACHED:            0,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
		sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER:     1,
		sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
	} {
		if _, err := sqlite.Limit(conn, id, most); err != nil {
			return err
		}
	}
	return nil
}

// authorize answers SQLite, which asks while it parses a statement.
func (g *guard) authorize(action sqlite.AuthorizerActionCode, arg1, arg2, _, within string) sqlite.AuthorizerReturnCode {
	reason := ""
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRecursive:
	case sqlite.AuthRead:
		reason = g.read(arg1, arg2, within)
	case sqlite.AuthFunction:
		if name := strings.ToLower(arg2); !g.functions[name] {
			reason = fmt.Sprintf("the function %.40s is not allowed", name)
		}
	case sqlite.AuthPragma:
		reason = "PRAGMA is not allowed"
	case sqlite.AuthAttach, sqlite.AuthDetach:
		reason = "ATTACH and DETACH are not allowed"
	case sqlite.AuthTransaction, sqlite.AuthSavepoint:
		reason = "transactions are not allowed"
	default:
		reason = "only SELECT is allowed: nothing can be changed here"
	}
	if reason == "" {
		return sqlite.AuthorizerOK
	}
	if g.denied == "" {
		g.denied = reason
	}
	return sqlite.AuthorizerDeny
}

// read returns why a column may not be read, or "".
func (g *guard) read(table, column, within string) string {
	at := access{strings.ToLower(within), strings.ToLower(table), strings.ToLower(column)}
	if g.learning {
		g.within[at] = true
	}
	// A common table expression has a name too, which may be that of a view: what it
	// reads then has to be what the view reads.
	switch {
	case g.views[at.table], g.within[at], at.table == "json_each", at.table == "json_tree":
		return ""
	case at.column == "" && !g.tables[at.table] && !strings.HasPrefix(at.table, "sqlite_") && !strings.HasPrefix(at.table, "pragma_"):
		return "" // the rows of a common table expression are counted
	}
	return fmt.Sprintf("the table %.60s cannot be read; read the views, whose names begin with v_", at.table)
}

// names reads a set of names, in small letters.
func names(ctx context.Context, conn *sql.Conn, query string) (map[string]bool, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		set[strings.ToLower(name)] = true
	}
	return set, rows.Err()
}
