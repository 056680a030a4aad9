package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// CopyTo writes a copy of the database, as it is at one moment, into a new file. Writes go
// on meanwhile.
func (s *Store) CopyTo(ctx context.Context, path string) error { return copyTo(ctx, s.reads, path) }

// ReadCopy checks a copy of the database that nobody writes to, and returns what it says of
// itself. It changes nothing, and leaves no file next to the copy.
func ReadCopy(path string) (c order.LedgerCopy, err error) {
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return c, err
	}
	defer db.Close()
	s := &Store{reads: db}
	if err := s.Check(noCancel); err != nil {
		return c, err
	}
	if _, _, err := newStore(Options{}).compare(db, path); err != nil {
		return c, err
	}
	q := query.New(db)
	l, err := q.CopiedLedger(noCancel)
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("it says nothing of itself")
	}
	if err != nil {
		return c, fmt.Errorf("read whose the database is: %w", err)
	}
	rows, err := q.StoredFiles(noCancel)
	c = order.LedgerCopy{ID: l.ID, AgentID: l.AgentID, Event: l.Event, Files: make([]order.StoredFile, len(rows))}
	for i, r := range rows {
		c.Files[i] = order.StoredFile{Path: r.Path, Bytes: r.Bytes, SHA256: r.Sha256}
	}
	return c, err
}
