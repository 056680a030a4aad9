// Package canceller cancels jobs at their providers that are not needed any more: their
// order has ended, or the owner has the work made again. What it has to do is in the
// database, so that it goes on after a restart.
//
// It must not know SQL, HTTP, nor why a job is not needed any more.
package canceller

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is what the loop needs of the database.
type Store interface {
	// Cancellations returns the calls whose job is to be cancelled at now, and
	// NextCancellation when the next one is; zero for none.
	Cancellations(ctx context.Context, now time.Time) ([]order.Cancellation, error)
	NextCancellation(ctx context.Context) (time.Time, error)
	// CountCancellation records a try, and when the next one is. It returns false if the
	// call was closed meanwhile.
	CountCancellation(id int64, next time.Time) (open bool, err error)
	CloseCall(id int64, state order.CallState, cost order.USD, note string) error
}

// Options are the settings of a Loop. Log is optional.
type Options struct {
	Store Store
	// Generators are all configured generators that can cancel jobs, by name.
	Generators map[string]generate.Canceller
	// Ready is asked before anything is cancelled. Until it returns nil, nothing is. Nil is
	// always ready.
	Ready func() error
	Log   *slog.Logger
}

// Loop cancels jobs.
type Loop struct {
	o        Options
	next     atomic.Pointer[Options]
	wake     chan struct{}
	failures logonce.Logger
}

// New returns a Loop.
func New(o Options) *Loop { return &Loop{o: o.withDefaults(), wake: make(chan struct{}, 1)} }

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	return o
}

// Change replaces the options from the next look on.
func (l *Loop) Change(o Options) {
	l.next.Store(&o)
	l.Wake()
}

// Wake has the loop look at the database. It does not block.
func (l *Loop) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

const (
	// mostSleep is the most time between two looks at the database.
	mostSleep = 10 * time.Minute
	// failedPause is the time after a look that failed.
	failedPause = time.Minute
)

// Run cancels jobs until ctx is cancelled. It returns nil.
func (l *Loop) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := l.Once(ctx)
		if err != nil && ctx.Err() == nil {
			l.failures.Failed(l.o.Log, "cancelling jobs at providers failed", err)
			wait = failedPause
		} else {
			l.failures.Recovered(l.o.Log, "cancelling jobs at providers works again")
		}
		beat.Sleep(ctx, wait, l.wake)
	}
	return nil
}

// Once cancels the jobs that are due, and returns the time to the next one. The jobs of
// one generator are cancelled one after another, and no generator waits for another.
func (l *Loop) Once(ctx context.Context) (wait time.Duration, err error) {
	if next := l.next.Swap(nil); next != nil {
		l.o = next.withDefaults()
	}
	list, err := l.o.Store.Cancellations(ctx, time.Now())
	if err != nil {
		return 0, err
	}
	if len(list) > 0 {
		if f, ok := errors.AsType[*order.Failure](l.o.Ready()); ok {
			return cmp.Or(f.After, failedPause), nil
		}
	}
	byGenerator := map[string][]order.Cancellation{}
	for _, c := range list {
		byGenerator[c.Call.Generator] = append(byGenerator[c.Call.Generator], c)
	}
	var all sync.WaitGroup
	failed := make(chan error, len(byGenerator))
	for each := range maps.Values(byGenerator) {
		all.Go(func() { failed <- l.each(ctx, each) })
	}
	all.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	if err != nil {
		return 0, err
	}
	next, err := l.o.Store.NextCancellation(ctx)
	if err != nil || next.IsZero() {
		return mostSleep, err
	}
	return min(max(time.Until(next), 0), mostSleep), nil
}

func (l *Loop) each(ctx context.Context, list []order.Cancellation) error {
	for _, c := range list {
		if ctx.Err() != nil {
			return nil
		}
		if err := l.cancel(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// cancel cancels one job, and closes its call if the outcome is known or the tries are
// used up. A try is counted before it is sent, so that a crash cannot repeat it for ever.
func (l *Loop) cancel(ctx context.Context, c order.Cancellation) error {
	log := l.o.Log.With("order", c.OrderID, "job", c.JobID, "generator", c.Call.Generator, "ticket", c.Call.Ticket)
	g := l.o.Generators[c.Call.Generator]
	switch {
	case g == nil:
		return l.giveUp(c, log, errors.New("no generator of that name can cancel jobs"))
	case c.Tries >= order.CancelTries:
		return l.giveUp(c, log, errors.New("atelierd ended during the last try"))
	}
	open, err := l.o.Store.CountCancellation(c.Call.ID, time.Now().Add(order.CancelPause(c.Tries+1)))
	if err != nil || !open {
		return err
	}
	done, err := g.Cancel(ctx, c.Call.Ticket)
	last := c.Tries+1 >= order.CancelTries
	switch {
	case err == nil && done.Missing && !last:
		log.Debug("the provider does not show the job that is not needed any more; it is asked again", "attempt", c.Tries+1)
		return nil
	case err == nil:
		end, note := c.Settled(done)
		log.Info("a job that is not needed any more is settled", "outcome", note, "cost", end.Cost)
		return l.o.Store.CloseCall(c.Call.ID, end.State, end.Cost, note)
	case ctx.Err() != nil:
		return nil // it is tried again after the restart
	case last:
		return l.giveUp(c, log, err)
	}
	log.Debug("a job could not be cancelled; it is tried again", "attempt", c.Tries+1, "error", err)
	return nil
}

func (l *Loop) giveUp(c order.Cancellation, log *slog.Logger, err error) error {
	end, note := c.GivenUp(err)
	log.Warn("a job that is not needed any more could not be cancelled", "error", err, "cost", end.Cost)
	return l.o.Store.CloseCall(c.Call.ID, end.State, end.Cost, note)
}
