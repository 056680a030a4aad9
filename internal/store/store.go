// Package store keeps everything durable in one SQLite file: it locks the data
// folder, migrates the file and runs the transactions, in the types of package
// order. One process writes, through one connection. Writes that wait for it at
// the same moment share a commit.
//
// It must not know HTTP, generators, configuration or what a stage does.
package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"atelierd/db"
	"atelierd/internal/order"
	"atelierd/internal/store/query"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is the database's name within the data folder.
const FileName = "atelierd.db"

// Options are the settings of a store.
type Options struct {
	// Dir is the data folder. Open creates it with mode 0700.
	Dir string
	// Log receives migrations and warnings; nil discards them.
	Log *slog.Logger
	// MaxCrashes is the number of crashes during a stage after which the job is
	// held: a job that kills the process must not run for ever. 0 means 10.
	MaxCrashes int
	// Hook is for tests. It is called with "before:NAME" and "after:NAME" around
	// each commit. If it returns an error, the caller sees a failed transaction.
	Hook func(point string) error
}

// Change describes what a committed transaction made possible.
type Change struct {
	Generate bool // jobs of the generate lane may be due
	Network  bool // jobs of the network lane may be due
	Revoked  bool // a lease was revoked
	Threads  bool // a thread is due to be read
	// Cancellations: jobs are to be cancelled at their providers.
	Cancellations bool
	// SecondDaemon is why nothing new is to be paid for or sent: somebody else works as
	// this agent. It is empty if that is not new.
	SecondDaemon string
}

func (c *Change) lane(l order.Lane) {
	if l == order.LaneGenerate {
		c.Generate = true
	} else {
		c.Network = true
	}
}

func (c *Change) add(other Change) {
	c.Generate = c.Generate || other.Generate
	c.Network = c.Network || other.Network
	c.Revoked = c.Revoked || other.Revoked
	c.Threads = c.Threads || other.Threads
	c.Cancellations = c.Cancellations || other.Cancellations
	c.SecondDaemon = cmp.Or(c.SecondDaemon, other.SecondDaemon)
}

// Store is an open database. Only this process writes to it, except for the
// short transactions of an Owner.
type Store struct {
	dir        string
	log        *slog.Logger
	hook       func(string) error
	maxCrashes int
	by         order.Actor // who all writes are by; empty in a daemon
	migrations fs.FS
	views      string

	lock   *lock
	file   fs.FileInfo // the open file; nil in a reader
	writer *writer
	db     *sql.DB // one connection, for the writer
	reads  *sql.DB
	stmts  *statements // of reads
	read   *query.Queries

	notifyMu sync.Mutex
	notify   func(Change)
	closed   atomic.Pointer[func(Closed)]
}

// Errors that callers match with errors.Is.
var (
	// ErrLocked: another process holds the data folder.
	ErrLocked = errors.New("another atelierd holds the data folder")
	// ErrNewer: a newer atelierd wrote the file.
	ErrNewer = errors.New("the database is from a newer atelierd")
	// ErrOlder: the file needs an upgrade, which only Open does.
	ErrOlder = errors.New("the database is from an older atelierd")
	// ErrNoDatabase: the data folder has no database yet.
	ErrNoDatabase = errors.New("there is no database yet")
	// ErrNotReconciled: a restored ledger was not compared with the marketplace yet.
	ErrNotReconciled = errors.New("the ledger is not reconciled yet")
	// ErrLost: the data folder had a database, and it is gone or empty now.
	ErrLost = errors.New("the database of this data folder is gone")
	// ErrNotFound: there is no such order.
	ErrNotFound = errors.New("no such order")
	// ErrNoBounty: no bounty is known by that id.
	ErrNoBounty = errors.New("no such bounty")
	// ErrAmbiguous: a text begins or ends several ids.
	ErrAmbiguous = errors.New("matches more than one id")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Open locks the data folder, brings the file up to date and frees the jobs that
// an earlier process had leased. While this process has the lock,
// every lease in the file belongs to a dead process, so nothing waits for a lease
// to run out.
func Open(o Options) (*Store, error) {
	s := newStore(o)
	if err := makeFolder(o.Dir); err != nil {
		return nil, err
	}
	var err error
	if s.lock, err = takeLock(o.Dir); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.rescue(); err != nil {
		s.Close()
		return nil, fmt.Errorf("release the jobs of an earlier run: %w", err)
	}
	return s, nil
}

func newStore(o Options) *Store {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxCrashes == 0 {
		o.MaxCrashes = 10
	}
	if o.Hook == nil {
		o.Hook = func(string) error { return nil }
	}
	return &Store{
		dir: o.Dir, log: o.Log, hook: o.Hook, maxCrashes: o.MaxCrashes,
		migrations: db.Migrations(), views: db.Views,
	}
}

func (s *Store) open() (err error) {
	path := filepath.Join(s.dir, FileName)
	if err := makePrivate(path); err != nil {
		return err
	}
	if s.db, err = openPool(path, 1, false); err != nil {
		return err
	}
	if err := checkEngine(s.db); err != nil {
		return err
	}
	if err := s.migrate(path); err != nil {
		return err
	}
	if s.writer, err = newWriter(s.db, s.log, s.hook, s.changed); err != nil {
		return err
	}
	return errors.Join(s.remember(path), s.openReads(path))
}

func (s *Store) openReads(path string) (err error) {
	if s.reads, err = openPool(path, 4, true); err != nil {
		return err
	}
	s.stmts = newStatements(s.reads)
	s.read = query.New(s.stmts)
	return nil
}

// Notify sets the function that is called after each commit with what the commit
// made possible. It must return at once.
func (s *Store) Notify(f func(Change)) {
	s.notifyMu.Lock()
	defer s.notifyMu.Unlock()
	s.notify = f
}

func (s *Store) changed(c Change) {
	s.notifyMu.Lock()
	f := s.notify
	s.notifyMu.Unlock()
	if f != nil && c != (Change{}) {
		f(c)
	}
}

// Close finishes the writes that have begun, moves the write-ahead log into the
// file and releases the lock. It may be called on a store that is half open.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.stmts != nil {
		errs = append(errs, s.stmts.close())
	}
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.db != nil {
		if s.writer != nil && s.lock != nil {
			errs = append(errs, s.saveDisplaced())
			// A failed checkpoint loses nothing: the next open reads the log. So it does
			// not wait for a reader, such as a backup, which may hold its lock for long.
			_, _ = s.db.Exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")
		}
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// write runs fn in a transaction and returns once it is durable. name is its
// commit point, for crash tests. It takes no context: a write that has begun is
// finished, because a cancelled one could leave its transaction open. fn may run
// more than once. It must change only its transaction and its result variables.
func (s *Store) write(name string, fn func(*tx) error) error {
	return s.writer.do(&request{name: name, fn: fn, by: s.by})
}

func isBusy(err error) bool { return hasCode(err, sqlite3.SQLITE_BUSY) }

func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == code
}
