package intake

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// ThreadStore is what reading threads needs of the database.
type ThreadStore interface {
	// DueThreads are the orders whose threads are to be read at now, and when
	// the next one is, if none is now.
	DueThreads(ctx context.Context, now time.Time, most int) (ids []string, next time.Time, err error)
	Order(ctx context.Context, id string) (order.Order, error)
	// ApplyThread writes what a thread showed and the work it asks for.
	ApplyThread(t order.Thread) (fresh int, err error)
}

// ThreadMarket is what reading threads asks of the marketplace.
type ThreadMarket interface {
	Messages(ctx context.Context, orderID string) ([]order.Message, error)
}

// ThreadOptions are the settings of Threads.
type ThreadOptions struct {
	Store   ThreadStore
	Market  ThreadMarket
	Catalog func(ctx context.Context) (Catalog, error)
	Log     *slog.Logger
	// Interval is how often the thread of an order is read when nothing hints at
	// news; WindowInterval is that of a subscription in which messages ask for
	// pieces; 30 and 5 minutes when they are not set.
	Interval       time.Duration
	WindowInterval time.Duration
}

// Threads mirrors the threads of the live orders. A read is not counted by the
// deployed marketplace, but is not free: it is made when an order's status is
// news, when somebody hints at it, and else at a slow rhythm.
type Threads struct {
	o        ThreadOptions
	failures logonce.Logger
	wake     chan struct{}
}

// NewThreads makes a reader of threads.
func NewThreads(o ThreadOptions) *Threads {
	o.Interval = cmp.Or(o.Interval, 30*time.Minute)
	o.WindowInterval = cmp.Or(o.WindowInterval, 5*time.Minute)
	return &Threads{o: o, wake: make(chan struct{}, 1)}
}

// Wake looks for due threads at once. It does not block.
func (t *Threads) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// How many threads are read in a row and the pause after a row that was not the
// last, so that a start beside thousands of orders is no storm of requests; how
// long a row that failed is waited for, and the most between two looks.
const (
	threadRow   = 20
	threadPause = 2 * time.Second
	threadRetry = time.Minute
	threadSleep = 10 * time.Minute
)

// Run reads threads until ctx is cancelled. It returns nil.
func (t *Threads) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := t.Once(ctx)
		if err != nil && ctx.Err() == nil {
			t.failures.Failed(t.o.Log, "messages could not be read; reading goes on", err, "hint", hintOf(err))
			wait = threadRetry
			if f, ok := errors.AsType[*order.Failure](err); ok {
				wait = max(wait, f.After)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-t.wake:
		}
		timer.Stop()
	}
	return nil
}

// Once reads a row of what is due, the longest due first, and gives the time to
// the next.
func (t *Threads) Once(ctx context.Context) (wait time.Duration, err error) {
	catalog, err := t.o.Catalog(ctx)
	if err != nil {
		return 0, err
	}
	ids, next, err := t.o.Store.DueThreads(ctx, time.Now(), threadRow)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := t.read(ctx, catalog, id); err != nil {
			return 0, err
		}
	}
	t.failures.Recovered(t.o.Log, "messages can be read again")
	switch {
	case len(ids) > 0:
		return threadPause, nil
	case next.IsZero():
		return threadSleep, nil
	}
	return min(max(time.Until(next), time.Second), threadSleep), nil
}

// read mirrors one thread. One that the marketplace does not show is left for
// its next turn, so that it does not keep the others waiting.
func (t *Threads) read(ctx context.Context, catalog Catalog, id string) error {
	o, err := t.o.Store.Order(ctx, id)
	if err != nil {
		return err
	}
	s, _, _ := catalog.find(o.Facts, o.Service)
	th := order.Thread{OrderID: id, Next: time.Now().Add(t.o.Interval)}
	if open := o.Status == order.Paid || o.Status == order.InProgress; open && s.Subscription > 0 && s.Pieces {
		th.Pieces, th.Until, th.Next = true, o.WorkspaceExpiresAt, time.Now().Add(t.o.WindowInterval)
		if th.Quota = s.Quota; o.QuotaTotal != nil {
			th.Quota = *o.QuotaTotal
		}
	}
	th.Messages, err = t.o.Market.Messages(ctx, id)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Class == order.Fail {
		t.o.Log.Debug("the thread of an order could not be read", "order", id, "error", err)
		err = nil
	}
	if err != nil {
		return err
	}
	fresh, err := t.o.Store.ApplyThread(th)
	if fresh > 0 {
		t.o.Log.Info("messages read", "order", id, "new", fresh)
	}
	return err
}
