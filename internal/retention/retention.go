// Package retention removes what is kept of orders that have ended, once it is older than
// the owner wants: at night, in small steps, files before rows. While the data folder is
// larger than allowed it removes the oldest files sooner.
//
// The store decides which orders have ended, and checks that again in each step. The package
// must not know SQL, the marketplace, or what files are for.
package retention

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is the part of the database that the package needs. A method that returns more as true
// is called again.
type Store interface {
	// EndedOrders returns the orders that had ended before a time and still have a part of
	// their history, the oldest first.
	EndedOrders(ctx context.Context, part order.HistoryPart, before time.Time) ([]string, error)
	Ended(ctx context.Context, id string, before time.Time) (ended, known bool, err error)
	// OddOrderIDs returns the ids that cannot be the name of a folder.
	OddOrderIDs(ctx context.Context) ([]string, error)
	// MarkFiles marks the files of an order. MarkedFiles returns them until FilesRemoved.
	MarkFiles(id string, before time.Time) error
	// MarkedFiles returns some of them, by their numbers after one.
	MarkedFiles(ctx context.Context, after int64) ([]order.Artifact, error)
	FilesRemoved(files []order.Artifact) error
	RemoveAttempts(id string, before time.Time) (removed int, more bool, err error)
	RemoveTexts(id string, before time.Time) (removed int, more bool, err error)
	GiveUpForgottenCalls(ctx context.Context, before time.Time) (closed int, err error)
	RemoveRequests(before time.Time) (removed int, err error)
	RemoveNotices(before time.Time) (removed int, err error)
	// OldObjects returns the keys of files in a storage whose orders had ended before a time,
	// and that MarkObject has marked. ObjectRemoved ends that.
	OldObjects(ctx context.Context, place string, before time.Time, most int) ([]string, error)
	MarkObject(key string, before time.Time) (marked bool, err error)
	ObjectRemoved(key string) error
	ReleasePages() (more bool, err error)
	Prunable(ctx context.Context, before map[order.HistoryPart]time.Time) ([]order.Prunable, error)
	// PrunedAt is when SetPruned was last called, or zero.
	PrunedAt(ctx context.Context) (time.Time, error)
	SetPruned(at time.Time) error
	Fact(ctx context.Context, name string) (string, error)
	SetAlert(a order.Alert, text string) error
}

// Storage is the owner's storage, from which clients download files.
type Storage interface {
	// Place identifies it in the database.
	Place() string
	// Remove removes the file of a key. It is no error if there is none.
	Remove(ctx context.Context, key string) error
}

// Options are the settings of a Loop or a Pruner. Log and Zone are optional.
type Options struct {
	Store Store
	// Dir is the data folder. In it, WorkDir is where generators write and FilesDir has the
	// files of orders, each with one folder for each order.
	Dir, WorkDir, FilesDir string
	// Keep is how long each part of the history is kept. Zero is for ever.
	Keep map[order.HistoryPart]time.Duration
	// MaxBytes is the size to which the data folder is reduced, as far as that is possible by
	// removing files of orders that have ended. Zero means no limit.
	MaxBytes int64
	// Folder returns the name of an order's folder. ClearWork removes such a folder from
	// WorkDir, except for files that a program that may still run needs.
	Folder    func(orderID string) string
	ClearWork func(folder string) error
	// RemoveThumb removes the thumbnail of the file with this sha256. If another file has the
	// same content, its thumbnail is made again. It may be nil.
	RemoveThumb func(sha256 string) error
	// Storage is the owner's storage, or nil. Its files are removed once their orders have been
	// ended for KeepStored.
	Storage    Storage
	KeepStored time.Duration
	// Ready is asked before anything is removed. While it returns an error, nothing is removed.
	// It may be nil.
	Ready func() error
	// Zone is the time zone in which a night begins; nil is the machine's.
	Zone *time.Location
	Log  *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	return o
}

// Loop prunes each night.
type Loop struct {
	o        Options
	next     atomic.Pointer[Options]
	wake     chan struct{}
	failures logonce.Logger
}

// New returns a Loop.
func New(o Options) *Loop { return &Loop{o: o.withDefaults(), wake: make(chan struct{}, 1)} }

// Change replaces the options and has the loop check at once whether anything is due.
func (l *Loop) Change(o Options) {
	l.next.Store(&o)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

const (
	// night is the hour at which it begins.
	night = 3
	// sizeEvery is the time between two looks at the size of the data folder.
	sizeEvery = time.Hour
	// failedPause is the time after a turn that failed, and notReadyPause after one before
	// anything may be removed.
	failedPause   = time.Hour
	notReadyPause = 10 * time.Minute
)

// Run prunes until ctx is cancelled. It returns nil.
func (l *Loop) Run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; {
		wait, err := l.Once(ctx)
		if err != nil && ctx.Err() == nil {
			l.failures.Failed(l.o.Log, "history could not be pruned", err)
			wait = failedPause
			if failed++; failed > 1 {
				l.alert(err.Error())
			}
		} else {
			l.failures.Recovered(l.o.Log, "history is pruned again")
			failed = 0
			l.alert("")
		}
		beat.Sleep(ctx, wait, l.wake)
	}
	return nil
}

// alert tells the owner why nothing, or not everything, is removed; empty for nothing.
func (l *Loop) alert(text string) {
	before, err := l.o.Store.Fact(context.Background(), string(order.AlertHistory.Code()))
	if err == nil && before != text {
		err = l.o.Store.SetAlert(order.AlertHistory, text)
	}
	if err != nil {
		l.o.Log.Warn("write to the store failed", "error", err)
	}
}

// Once prunes if a night has begun since the last time, or if the data folder is too large. It
// returns the time until it should be called again.
func (l *Loop) Once(ctx context.Context) (wait time.Duration, err error) {
	if next := l.next.Swap(nil); next != nil {
		l.o = next.withDefaults()
	}
	if l.o.Ready() != nil {
		return notReadyPause, nil
	}
	now := time.Now()
	last, err := l.o.Store.PrunedAt(ctx)
	if err != nil {
		return 0, err
	}
	switch {
	case last.IsZero() || last.After(now): // the first start, or a clock that was put back
		if err := l.o.Store.SetPruned(now); err != nil {
			return 0, err
		}
		last = now
	case !nightAfter(last, l.o.Zone).After(now):
		if err := l.prune(ctx, (*Pruner).Prune); err != nil || ctx.Err() != nil {
			return 0, err
		}
		if err := l.o.Store.SetPruned(now); err != nil {
			return 0, err
		}
		last = now
	}
	wait = time.Until(nightAfter(last, l.o.Zone))
	if l.o.MaxBytes == 0 {
		return wait, nil
	}
	return min(wait, sizeEvery), l.prune(ctx, (*Pruner).Shrink)
}

func (l *Loop) prune(ctx context.Context, how func(*Pruner, context.Context) error) error {
	p := NewPruner(l.o)
	defer p.report()
	return how(p, ctx)
}

// nightAfter returns the first beginning of a night after a time.
func nightAfter(at time.Time, zone *time.Location) time.Time {
	at = at.In(zone)
	next := time.Date(at.Year(), at.Month(), at.Day(), night, 0, 0, 0, zone)
	if !next.After(at) {
		next = time.Date(at.Year(), at.Month(), at.Day()+1, night, 0, 0, 0, zone)
	}
	return next
}
