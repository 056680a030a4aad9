package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Settings say when and where the loop backs up.
type Settings struct {
	To    string // a folder; empty for no backups
	Every time.Duration
	Keep  int
	// Credentials: what is secret is copied as well.
	Credentials bool
}

// Store keeps when the last backup was made, and the alert of a failed one.
type Store interface {
	Fact(ctx context.Context, name string) (string, error)
	SetFact(name, value string) error
	SetAlert(a order.Alert, text string) error
}

// LoopOptions are what a Loop needs.
type LoopOptions struct {
	Settings Settings
	// Source returns what is copied, as it is now.
	Source func() (Source, error)
	Store  Store
	Log    *slog.Logger
}

// FactLast names the fact that has the last backup of the loop, as a Last.
const FactLast = "backup"

// Last describes the last backup that the loop made.
type Last struct {
	To       string    `json:"to"`
	Snapshot string    `json:"snapshot"`
	At       time.Time `json:"at"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	// Left is how many files are missing, or are not as the ledger has them.
	Left int `json:"left"`
}

// ReadLast decodes the value of FactLast. ok is false for a value that it cannot decode.
func ReadLast(value string) (l Last, ok bool) {
	err := json.Unmarshal([]byte(value), &l)
	return l, err == nil && !l.At.IsZero()
}

const (
	// retryAfter is the longest wait after a backup that failed.
	retryAfter = 15 * time.Minute
	// stalledAfter is how long a backup may copy nothing without an alert.
	stalledAfter = 30 * time.Minute
)

// Loop backs up at intervals. Create it with NewLoop.
type Loop struct {
	o        LoopOptions
	mu       sync.Mutex
	settings Settings
	changed  chan struct{}
	failed   time.Time // when the last backup failed; zero if it did not
	failures logonce.Logger
}

// NewLoop returns a Loop.
func NewLoop(o LoopOptions) *Loop {
	return &Loop{o: o, settings: o.Settings, changed: make(chan struct{}, 1)}
}

// Change replaces the settings. A backup that is under way keeps those it began with.
func (l *Loop) Change(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settings == s {
		return
	}
	l.settings, l.failed = s, time.Time{}
	select {
	case l.changed <- struct{}{}:
	default: // it looks anyway
	}
}

func (l *Loop) now() (Settings, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings, l.failed
}

// Run backs up whenever it is due, until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s, _ := l.now()
		if s.To == "" {
			l.alert("")
			beat.Idle(ctx)
			select {
			case <-ctx.Done():
			case <-l.changed:
			}
			beat.Turn(ctx)
			continue
		}
		if wait := l.wait(ctx); wait > 0 {
			beat.Sleep(ctx, wait, l.changed)
			continue
		}
		_ = l.backUp(ctx, s) // it is logged, and an alert
	}
	return nil
}

// Once backs up if it is due.
func (l *Loop) Once(ctx context.Context) error {
	if s, _ := l.now(); s.To != "" && l.wait(ctx) <= 0 {
		return l.backUp(ctx, s)
	}
	return nil
}

// wait returns how long it is until the next backup is due.
func (l *Loop) wait(ctx context.Context) time.Duration {
	s, failed := l.now()
	if !failed.IsZero() {
		return time.Until(failed.Add(min(retryAfter, s.Every)))
	}
	value, err := l.o.Store.Fact(ctx, FactLast)
	if err != nil {
		return retryAfter
	}
	last, ok := ReadLast(value)
	if !ok || last.To != s.To {
		return 0
	}
	return min(time.Until(last.At.Add(s.Every)), s.Every) // the clock may have been ahead
}

// backUp makes one backup, and records how it went.
func (l *Loop) backUp(ctx context.Context, s Settings) error {
	done, err := l.copy(ctx, s)
	if ctx.Err() != nil {
		return nil // a stop is no failure
	}
	if err == nil {
		err = l.record(done)
	}
	if err != nil {
		l.mu.Lock()
		if l.settings == s {
			l.failed = time.Now()
		}
		l.mu.Unlock()
		l.failures.Failed(l.o.Log, "the backup failed", err, "hint", "see "+order.Command("status"))
		l.alert(err.Error())
		return err
	}
	l.mu.Lock()
	l.failed = time.Time{}
	l.mu.Unlock()
	l.failures.Recovered(l.o.Log, "backups are made again")
	l.alert("")
	return nil
}

// record stores that a backup was made.
func (l *Loop) record(d Done) error {
	l.o.Log.Info("backed up", "to", d.To, "snapshot", d.Snapshot, "files", d.Files, "bytes", d.Bytes)
	if len(d.Left) > 0 {
		l.o.Log.Warn("the backup lacks files, or has them otherwise than the database", "files", len(d.Left), "first", d.Left[0].Name, "reason", d.Left[0].Why)
	}
	value, err := json.Marshal(Last{To: d.To, Snapshot: d.Snapshot, At: d.At, Files: d.Files, Bytes: d.Bytes, Left: len(d.Left)})
	if err != nil {
		return err
	}
	return l.o.Store.SetFact(FactLast, string(value))
}

// copy makes the backup in a goroutine: a disk elsewhere may not answer for hours, and the
// loop turns meanwhile, so that nothing restarts the daemon for it.
func (l *Loop) copy(ctx context.Context, s Settings) (done Done, err error) {
	src, err := l.o.Source()
	if err != nil {
		return Done{}, err
	}
	var copied atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done, err = Make(ctx, src, Options{
			To: s.To, NoCredentials: !s.Credentials, Keep: s.Keep, Now: time.Now(),
			Copied: func(n int64) { copied.Add(n) },
		})
	}()
	defer beat.Turn(ctx)
	for before := int64(-1); ; before = copied.Load() {
		if beat.Sleep(ctx, stalledAfter, ended); isClosed(ended) {
			return done, err
		}
		if ctx.Err() != nil {
			<-ended
			return done, err
		}
		if copied.Load() == before {
			l.alert(fmt.Sprintf("the backup into %s has copied nothing for %d minutes", s.To, int(stalledAfter.Minutes())))
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// alert shows the owner what is wrong with backups; empty for nothing.
func (l *Loop) alert(text string) {
	before, err := l.o.Store.Fact(context.Background(), string(order.AlertBackup.Code()))
	if err == nil && before != text {
		err = l.o.Store.SetAlert(order.AlertBackup, text)
	}
	if err != nil {
		l.o.Log.Warn("write to the store failed", "error", err)
	}
}
