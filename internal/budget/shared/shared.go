// Package shared keeps what agents on one address count together: one SQLite file in a
// folder that all of them may write to, or one text in a bucket of NATS. Whatever is wrong
// with it is an error of the call that meets it, so that the caller can count alone meanwhile;
// each call finds a file or a text that was put back or begun again.
//
// It must not know what is decided from the counts, the ledger, or the marketplace.
package shared

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"atelierd/db"
	"atelierd/internal/budget"
	"atelierd/internal/budget/shared/query"
	"atelierd/internal/disk"
	"atelierd/internal/order"
	"atelierd/internal/store/migrate"
	"atelierd/internal/store/utc"

	_ "modernc.org/sqlite" // the driver
)

// FileName is the name of the file in the folder.
const FileName = "requests.db"

const (
	// busyFor is how long the lock of another process is waited for, in milliseconds.
	busyFor = "2000"
	// forgetAfter is how long an agent is remembered that writes no more.
	forgetAfter = 30 * 24 * time.Hour
)

// Error is why the file cannot be used.
type Error struct {
	Err  error
	Hint string
}

// Error describes the error, without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error that the hint is about.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the next step for an error of this package, or "".
func Hint(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// File is the file in a folder. It implements budget.Share for one agent, and is safe for
// concurrent use.
type File struct {
	o    Options
	self budget.Agent

	mu   sync.Mutex
	pool *sql.DB     // nil before the first use, and after a failure
	is   os.FileInfo // the file that pool has open
}

var _ budget.Share = (*File)(nil)

// Options say which file, and for which agent.
type Options struct {
	Dir string // the folder
	// ID is that of the agent's ledger, and Name the agent's name.
	ID, Name string
	// Brief closes the file after each use, so that nobody has to.
	Brief bool
}

// New returns the file of a folder. Nothing is opened yet.
func New(o Options) *File {
	return &File{o: o, self: budget.Agent{ID: o.ID, About: budget.About{Name: o.Name}}}
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.close()
}

func (f *File) close() error {
	if f.pool == nil {
		return nil
	}
	err := f.pool.Close()
	f.pool, f.is = nil, nil
	return err
}

// Update implements budget.Share.
func (f *File) Update(ctx context.Context, change func(*budget.Common) error) error {
	return f.use(ctx, true, func(tx *sql.Tx) error {
		q := query.New(tx)
		c, err := f.read(ctx, q)
		if err != nil {
			return err
		}
		if err := change(&c); err != nil {
			return err
		}
		return f.write(ctx, q, c)
	})
}

// Read implements budget.Share.
func (f *File) Read(ctx context.Context) (c budget.Common, err error) {
	err = f.use(ctx, true, func(tx *sql.Tx) error {
		c, err = f.read(ctx, query.New(tx))
		return err
	})
	return c, err
}

// Look reads the file of a folder, and creates none.
func Look(ctx context.Context, dir string) (c budget.Common, err error) {
	f := New(Options{Dir: dir, Brief: true})
	err = f.use(ctx, false, func(tx *sql.Tx) error {
		c, err = f.read(ctx, query.New(tx))
		return err
	})
	return c, err
}

// Check returns why the file of a folder cannot be used, or how many agents are in it. It
// creates nothing: a file that is not there is created by the first agent.
func Check(ctx context.Context, dir string) (agents int, err error) {
	f := New(Options{Dir: dir, Brief: true})
	path := filepath.Join(dir, FileName)
	if err := errors.Join(f.checkFolder(), disk.Writable(dir)); err != nil {
		return 0, f.explain(path, err)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	c, err := f.Read(ctx)
	return len(c.Others), err
}

// checkFolder returns what is wrong with the folder.
func (f *File) checkFolder() error {
	folder, err := os.Stat(f.o.Dir)
	switch {
	case err != nil:
		return err
	case !folder.IsDir():
		return fmt.Errorf("%s is not a folder", f.o.Dir)
	case folder.Mode().Perm()&0o002 != 0:
		return &Error{fmt.Errorf("everybody may write to %s", f.o.Dir), "run `chmod o-w " + f.o.Dir + "`"}
	}
	return nil
}

// use calls do in a transaction on the file that is there now.
func (f *File) use(ctx context.Context, create bool, do func(*sql.Tx) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.o.Brief {
		defer func() { _ = f.close() }()
	}
	path := filepath.Join(f.o.Dir, FileName)
	if info, err := os.Lstat(path); f.pool != nil && (err != nil || !os.SameFile(info, f.is)) {
		_ = f.close() // it was removed or replaced
	}
	if f.pool == nil {
		if err := f.open(ctx, path, create); err != nil {
			return f.explain(path, errors.Join(err, f.close()))
		}
	}
	tx, err := f.pool.BeginTx(ctx, nil)
	if err != nil {
		return f.explain(path, errors.Join(err, f.close()))
	}
	var inner error
	if inner = do(tx); inner == nil {
		if err = tx.Commit(); err == nil {
			return nil
		}
		return f.explain(path, errors.Join(err, f.close()))
	}
	_ = tx.Rollback() // what do returned is the reason
	return f.explain(path, inner)
}

// open opens the file. Its group gets the rights that the folder's group has.
func (f *File) open(ctx context.Context, path string, create bool) error {
	if err := f.checkFolder(); err != nil {
		return err
	}
	folder, err := os.Stat(f.o.Dir)
	if err != nil {
		return err
	}
	if create {
		if err := makeFile(path, folder.Mode().Perm()&0o060); err != nil {
			return err
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	options := url.Values{"_pragma": {"busy_timeout(" + busyFor + ")", "journal_mode(DELETE)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	if !create {
		options = url.Values{"_pragma": {"busy_timeout(" + busyFor + ")"}, "mode": {"rw"}} // to undo what was cut
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}
	if f.pool, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	f.is = info
	f.pool.SetMaxOpenConns(1)
	if !create {
		return nil
	}
	// Agents may make it at the same moment. Whoever fails then finds it made a little later.
	for try := 0; ; try++ {
		err := migrate.Up(ctx, f.pool, db.SharedMigrations())
		if err == nil || errors.Is(err, migrate.ErrNewer) || try == openTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// openTries is how often a file that cannot be opened is tried again.
const openTries = 10

// makeFile makes an empty file if there is none, whatever the umask of the process is.
func makeFile(path string, group fs.FileMode) error {
	out, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(out.Chmod(0o600|group), out.Close())
}

// explain adds what failed, and the next step.
func (f *File) explain(path string, err error) error {
	if _, ok := errors.AsType[*order.Failure](err); ok {
		return err // of the caller
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Err: fmt.Errorf("%s cannot be used: %w", path, err)}
	switch {
	case errors.Is(err, migrate.ErrNewer):
		e.Hint = "update atelierd"
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = fmt.Sprintf("run `install -d -m 2770 -g GROUP %s`, with a group of all users who run agents", f.o.Dir)
	case errors.Is(err, fs.ErrPermission):
		e.Hint = fmt.Sprintf("run `chgrp -R GROUP %s` and `chmod -R g+rwX %s`, with a group of all users who run agents", f.o.Dir, f.o.Dir)
	default:
		e.Hint = "if this lasts, remove " + path + "; the agents then begin it again"
	}
	return e
}

func (f *File) read(ctx context.Context, q *query.Queries) (c budget.Common, err error) {
	state, err := q.GetState(ctx)
	if err != nil {
		return c, err
	}
	c = budget.Common{
		ID: state.ID, Counts: state.Counts, Learned: state.LearnedAt.Time, Probed: state.ProbedAt.Time, Probing: state.ProbingAt.Time,
		Windows: map[string]budget.CommonWindow{}, Self: f.self,
	}
	windows, err := q.ListWindows(ctx)
	if err != nil {
		return c, err
	}
	for _, w := range windows {
		c.Windows[w.Scope] = budget.CommonWindow{Anchor: w.Anchor, Window: order.Window{
			Scope: w.Scope, StartedAt: w.StartedAt.Time, EndsAt: w.EndsAt.Time,
			Used: int(w.Used), Limit: int(w.LearnedLimit), BlockedUntil: w.BlockedUntilAt.Time,
		}}
	}
	agents, err := q.ListAgents(ctx)
	if err != nil {
		return c, err
	}
	used, err := q.ListUsed(ctx)
	if err != nil {
		return c, err
	}
	for _, r := range agents {
		a := agentOf(r)
		for _, u := range used {
			if u.Ledger == a.ID && u.StartedAt.Equal(c.Windows[u.Scope].StartedAt) {
				a.Used[u.Scope] = int(u.Used)
			}
		}
		if a.ID == f.self.ID {
			a.Name = f.self.Name
			c.Self = a
		} else {
			c.Others = append(c.Others, a)
		}
	}
	return c, nil
}

func agentOf(r query.Agent) budget.Agent {
	return budget.Agent{
		ID: r.Ledger, Seen: r.SeenAt.Time, Beat: r.BeatAt.Time, Polled: r.PolledAt.Time, Due: int(r.Due), Sends: int(r.Sends), Used: map[string]int{},
		About: budget.About{Name: r.Name, Socket: r.Socket, Console: r.Console, Open: int(r.Open), Needs: int(r.Needs), Stopped: r.Stopped != 0},
	}
}

// write writes the windows, and the row of this agent.
func (f *File) write(ctx context.Context, q *query.Queries, c budget.Common) error {
	if err := q.PutState(ctx, query.PutStateParams{
		Counts: c.Counts, LearnedAt: utc.At(c.Learned), ProbedAt: utc.At(c.Probed), ProbingAt: utc.At(c.Probing),
	}); err != nil {
		return err
	}
	a := c.Self
	stopped := int64(0)
	if a.Stopped {
		stopped = 1
	}
	if err := q.PutAgent(ctx, query.PutAgentParams{
		Ledger: a.ID, Name: a.Name, Socket: a.Socket, Console: a.Console, SeenAt: utc.At(a.Seen), BeatAt: utc.At(a.Beat), PolledAt: utc.At(a.Polled),
		Due: int64(a.Due), Sends: int64(a.Sends), Open: int64(a.Open), Needs: int64(a.Needs), Stopped: stopped,
	}); err != nil {
		return err
	}
	for scope, w := range c.Windows {
		if err := q.PutWindow(ctx, query.PutWindowParams{
			Scope: scope, StartedAt: utc.At(w.StartedAt), EndsAt: utc.At(w.EndsAt), Used: int64(w.Used),
			LearnedLimit: int64(w.Limit), BlockedUntilAt: utc.At(w.BlockedUntil), Anchor: w.Anchor,
		}); err != nil {
			return err
		}
		if err := q.PutUsed(ctx, query.PutUsedParams{Ledger: a.ID, Scope: scope, StartedAt: utc.At(w.StartedAt), Used: int64(a.Used[scope])}); err != nil {
			return err
		}
	}
	if err := q.ForgetAgents(ctx, utc.At(a.Seen.Add(-forgetAfter))); err != nil {
		return err
	}
	return q.ForgetUsed(ctx)
}
