// Package viewsql runs one SELECT of the owner on the views of the database: the
// statement may come from a page, or from a program that was given it by others. It
// opens a read-only connection for each statement, allows what the views show and
// nothing else, and limits time, rows and sizes.
//
// It must not know orders, or how a result is shown.
package viewsql

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/store"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The limits of a statement and of its result.
const (
	MaxStatement = 20_000    // bytes
	MaxRows      = 1000      // further rows are left out
	MaxCell      = 100_000   // bytes; the rest of a longer text is left out
	MaxValue     = 2_000_000 // bytes of a value or a row while the statement runs
	MaxResult    = 16 << 20  // bytes of all cells; further rows are left out
	MaxTime      = 2 * time.Second
)

// Refused is why a statement was not run, or was stopped, in one sentence.
type Refused struct{ Reason string }

// Error returns the reason.
func (r *Refused) Error() string { return r.Reason }

// Result is what a statement returned.
type Result struct {
	Columns []string
	// Rows have nil, int64, float64, string or []byte in each cell.
	Rows [][]any
	// More reports that there are more rows, and Cut that a long text was cut.
	More, Cut bool
}

// Names returns the names of the columns. Repeated ones are numbered, as SQLite does.
func (r Result) Names() []string {
	list, seen := make([]string, len(r.Columns)), map[string]bool{}
	for i, name := range r.Columns {
		list[i] = name
		for n := 1; seen[list[i]]; n++ {
			list[i] = fmt.Sprintf("%s:%d", name, n)
		}
		seen[list[i]] = true
	}
	return list
}

// Text is a value of a row as text; NULL is empty.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []byte:
		return hex.EncodeToString(v)
	case float64:
		if math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return fmt.Sprint(value)
}

// Runner runs statements, one at a time.
type Runner struct {
	path string
	turn chan struct{}
}

// New returns a runner for the database of a data folder.
func New(dir string) *Runner {
	return &Runner{path: filepath.Join(dir, store.FileName), turn: make(chan struct{}, 1)}
}

// Run runs one SELECT. Its error is a *Refused unless the database cannot be read.
func (r *Runner) Run(ctx context.Context, statement string) (Result, error) {
	if err := checkStatement(statement); err != nil {
		return Result{}, err
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	db, err := open(r.path)
	if err != nil {
		return Result{}, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("open the database: %w", err)
	}
	defer conn.Close() //nolint:errcheck // it only reads
	g, err := guarded(ctx, conn)
	if err != nil {
		return Result{}, fmt.Errorf("prepare the database for a statement: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	result, err := read(timed, conn, statement)
	if err != nil && ctx.Err() == nil {
		return Result{}, g.explain(timed, err)
	}
	return result, err
}

// open opens the file for reading. What does not fit into memory goes to a temporary
// file, so that no statement fills the memory.
func open(path string) (*sql.DB, error) {
	q := url.Values{"mode": {"ro"}, "_defensive": {"1"}, "_pragma": {
		"busy_timeout(1000)", "query_only(1)", "temp_store(file)", "cache_size(-8192)", "cell_size_check(1)",
	}}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// read runs a statement and keeps the first rows of its result.
func read(ctx context.Context, conn *sql.Conn, statement string) (r Result, err error) {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	if r.Columns, err = rows.Columns(); err != nil {
		return r, err
	}
	size := 0
	for rows.Next() {
		if r.More = len(r.Rows) == MaxRows || size > MaxResult; r.More {
			return r, nil
		}
		row := make([]any, len(r.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return r, err
		}
		for i := range row {
			row[i] = r.limit(row[i])
			size += length(row[i])
		}
		r.Rows = append(r.Rows, row)
	}
	return r, rows.Err()
}

// limit cuts a long value. The driver makes times and truths of some columns.
func (r *Result) limit(value any) any {
	switch v := value.(type) {
	case string:
		if len(v) > MaxCell {
			r.Cut = true
			return strings.Clone(strings.ToValidUTF8(v[:MaxCell], ""))
		}
	case []byte:
		if len(v) > MaxCell {
			r.Cut = true
			return v[:MaxCell:MaxCell]
		}
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return value
}

func length(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 8
}

// explain returns what to say about the failure of a statement.
func (g *guard) explain(timed context.Context, err error) error {
	if timed.Err() != nil {
		return &Refused{fmt.Sprintf("the statement was stopped after %v", MaxTime)}
	}
	if g.denied != "" {
		return &Refused{g.denied}
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return &Refused{"the statement cannot be run: " + err.Error()}
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_TOOBIG:
		return &Refused{fmt.Sprintf("a value or a row is larger than %d bytes", MaxValue)}
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_FULL:
		return &Refused{"the statement cannot be run: " + message(e)}
	}
	return err
}

// message returns what SQLite says, without what the driver puts around it.
func message(e *sqlite.Error) string {
	text := strings.TrimPrefix(e.Error(), "SQL logic error: ")
	text = strings.TrimSuffix(text, fmt.Sprintf(" (%d)", e.Code()))
	return strings.ReplaceAll(text, "\n", " ")
}
