package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// maxBatch is the largest number of requests that share one commit.
const maxBatch = 64

// tx is an open transaction as one request sees it. Its now does not change.
type tx struct {
	*query.Queries
	db      query.DBTX // what Queries runs on
	now     utc.Time
	by      order.Actor // of its events
	changed Change
	// jobs, if it is not nil, keeps new jobs to be written together. single makes each
	// row its own statement.
	jobs   *query.Queries
	single bool
	// listeners take news of deliveries and of what clients write.
	listeners []order.Listener
	// lines are logged once the transaction has committed.
	lines []func(*slog.Logger)
}

// noCancel is the context of all statements in a transaction. It is never
// cancelled; see Store.write.
var noCancel = context.Background()

// writer owns the one connection that writes. It runs the requests that wait at
// the same moment in one transaction and answers them after its commit.
type writer struct {
	conn   *sql.Conn
	stmts  *statements
	q      *query.Queries
	log    *slog.Logger
	hook   func(string) error
	notify func(Change)
	// listeners may be nil.
	listeners atomic.Pointer[[]order.Listener]
	requests  chan *request
	version   uint64 // see Store.Version
	others    int64  // PRAGMA data_version: it changes with commits of other processes
	changes   int64  // total_changes() at the last commit that counted
	closing   chan struct{}
	once      sync.Once
	done      chan struct{}
}

type request struct {
	name   string
	fn     func(*tx) error
	by     order.Actor // of the events that fn adds
	record bool        // see Store.record
	change Change
	lines  []func(*slog.Logger)
	err    error
	done   chan struct{}
}

func newWriter(db *sql.DB, log *slog.Logger, hook func(string) error, notify func(Change)) (*writer, error) {
	conn, err := db.Conn(noCancel)
	if err != nil {
		return nil, err
	}
	stmts := newStatements(conn)
	w := &writer{
		conn: conn, stmts: stmts, q: query.New(stmts), log: log, hook: hook, notify: notify,
		requests: make(chan *request, maxBatch), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

func (w *writer) do(r *request) error {
	r.done = make(chan struct{})
	select {
	case <-w.closing:
		return ErrClosed
	case w.requests <- r:
	}
	select {
	case <-r.done:
	case <-w.done:
		// The writer may have answered just before it stopped.
		select {
		case <-r.done:
		default:
			return ErrClosed
		}
	}
	if r.err == nil {
		for _, line := range r.lines {
			line(w.log)
		}
	}
	return r.err
}

// close refuses new requests, finishes those that wait and stops the writer.
func (w *writer) close() error {
	w.once.Do(func() { close(w.closing) })
	<-w.done
	return errors.Join(w.stmts.close(), w.conn.Close())
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case r := <-w.requests:
			w.commit(w.gather(r))
		case <-w.closing:
			for {
				select {
				case r := <-w.requests:
					w.commit(w.gather(r))
				default:
					return
				}
			}
		}
	}
}

func (w *writer) gather(first *request) []*request {
	// Workers that the last commit answered are about to send their next request.
	// To let them run first doubles the size of a busy batch.
	runtime.Gosched()
	batch := []*request{first}
	for len(batch) < maxBatch {
		select {
		case r := <-w.requests:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction. If one of several requests fails, the
// transaction is rolled back and each request runs in a transaction of its own,
// so that an error reaches only the request that caused it.
func (w *writer) commit(batch []*request) {
	err := w.try(batch)
	if err != nil && len(batch) > 1 {
		for _, r := range batch {
			w.commit([]*request{r})
		}
		return
	}
	var changed Change
	for _, r := range batch {
		r.err = err
		if err == nil {
			changed.add(r.change)
		}
	}
	w.notify(changed)
	for _, r := range batch {
		close(r.done)
	}
}

func (w *writer) try(batch []*request) (err error) {
	for _, r := range batch {
		if err := w.hook("before:" + r.name); err != nil {
			return err
		}
	}
	if err := w.begin(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// SQLite may have rolled back itself, and then this fails.
			_, _ = w.stmts.ExecContext(noCancel, "ROLLBACK")
		}
	}()
	now := utc.At(time.Now())
	var listeners []order.Listener
	if list := w.listeners.Load(); list != nil {
		listeners = *list
	}
	for _, r := range batch {
		t := &tx{Queries: w.q, db: w.stmts, now: now, by: r.by, listeners: listeners}
		if err := r.fn(t); err != nil {
			return err
		}
		r.change, r.lines = t.changed, t.lines
	}
	if _, err := w.stmts.ExecContext(noCancel, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.count(batch)
	for _, r := range batch {
		if hookErr := w.hook("after:" + r.name); hookErr != nil {
			return hookErr
		}
	}
	return nil
}

// begin starts a transaction. It waits while another process holds the write lock,
// such as a sqlite3 shell with an open transaction: no job may fail because of it.
func (w *writer) begin() error {
	for waited := 0; ; waited++ {
		_, err := w.stmts.ExecContext(noCancel, "BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) {
			return err
		}
		select {
		case <-w.closing:
			w.log.Warn("stopping while another process holds the database's write lock; what could not be recorded is done again by the next run")
			return err
		default:
		}
		if waited == 0 {
			w.log.Warn("another process holds the database's write lock; waiting for it")
		}
	}
}
