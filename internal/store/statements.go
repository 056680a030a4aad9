package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"atelierd/internal/store/query"
)

// statements runs queries over a connection or a pool and prepares each on its
// first use. Parsing a statement takes as long as running it, so the daemon
// parses each once; a command that runs five queries parses only those.
type statements struct {
	db       query.DBTX
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func newStatements(db query.DBTX) *statements {
	return &statements{db: db, prepared: map[string]*sql.Stmt{}}
}

// PrepareContext returns the statement for text, which stays open until close.
func (s *statements) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.lookup(text); stmt != nil {
		return stmt, nil
	}
	// Not under the lock: a prepare may wait for a connection of the pool.
	stmt, err := s.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.prepared[text]; other != nil {
		return other, stmt.Close() //nolint:sqlclosecheck // another goroutine was first
	}
	s.prepared[text] = stmt
	return stmt, nil
}

func (s *statements) lookup(text string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared[text]
}

func (s *statements) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := s.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (s *statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	stmt, err := s.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does
	if err != nil {
		// Only a query can make a Row that carries an error; this one fails like the prepare.
		return s.db.QueryRowContext(ctx, text, args...)
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(s.prepared)
	return errors.Join(errs...)
}
