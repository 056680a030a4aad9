package intake

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// ThreadStore is the part of the database that Threads needs. Its writes are durable
// when they return.
type ThreadStore interface {
	// DueThreads returns up to most orders whose threads are due at now. If there are
	// none, next is when the next one is due, or zero.
	DueThreads(ctx context.Context, now time.Time, most int) (ids []string, next time.Time, err error)
	Order(ctx context.Context, id string) (order.Order, error)
	// ApplyThread writes a thread and the jobs that follow from it. fresh is the
	// number of new messages.
	ApplyThread(t order.Thread) (fresh int, err error)
	// SetAlert shows an alert to the owner. An empty text clears it.
	SetAlert(a order.Alert, text string) error
}

// ThreadMarket is the part of the marketplace's API that Threads needs.
type ThreadMarket interface {
	Messages(ctx context.Context, orderID string) ([]order.Message, error)
}

// ThreadOptions are the settings of Threads.
type ThreadOptions struct {
	Store   ThreadStore
	Market  ThreadMarket
	Catalog func(ctx context.Context) (Catalog, error)
	Log     *slog.Logger
	// Interval is the time between two reads of a thread without news: 30 min.
	Interval time.Duration
	// WindowInterval is the same for a subscription in which messages ask for pieces:
	// 5 min.
	WindowInterval time.Duration
	// PieceText returns the message that brings a piece to its client. Nil means that
	// there are no pieces.
	PieceText func(o order.Order, piece int, links []string) string
}

// Threads copies the message threads of the live orders into the store. The deployed
// marketplace does not count these reads, but they are not free. A thread is read
// when the status of its order changes, when an event names it, and else at Interval.
type Threads struct {
	o        ThreadOptions
	failures logonce.Logger
	wake     chan struct{}
	// unread counts the reads of a thread that failed, since the last that did not.
	unread  map[string]int
	lasting lasting
	broken  map[string]broken
	pace    atomic.Pointer[threadPace]
}

// threadPace is how often threads are read without a hint of news.
type threadPace struct{ interval, window time.Duration }

// Change replaces Interval and WindowInterval; 0 is the default.
func (t *Threads) Change(interval, window time.Duration) {
	t.pace.Store(&threadPace{cmp.Or(interval, 30*time.Minute), cmp.Or(window, 5*time.Minute)})
}

// NewThreads returns a reader of threads.
func NewThreads(o ThreadOptions) *Threads {
	t := &Threads{
		o: o, wake: make(chan struct{}, 1), unread: map[string]int{}, broken: map[string]broken{},
		lasting: lasting{alert: order.AlertThreads, what: "messages could not be read for hours", setAlert: o.Store.SetAlert},
	}
	t.Change(o.Interval, o.WindowInterval)
	return t
}

// Wake makes Run look for due threads now. It does not block.
func (t *Threads) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

const (
	// threadRow is the most threads read in a row, and threadPause the time to the
	// next row. They spread the reads of a start with thousands of orders.
	threadRow   = 20
	threadPause = 2 * time.Second
	// threadRetry is the most time to the next row after an error. It is shorter after
	// the first ones, from threadSoon on. So is the time to the next read of a thread
	// that could not be read.
	threadRetry = time.Minute
	threadSoon  = 5 * time.Second
	// maxUnread is how many threads at the beginning of a row may fail. If no other was
	// read until then, the marketplace is down for all of them.
	maxUnread = 3
	// threadSleep is the most time between two looks for due threads.
	threadSleep = 10 * time.Minute
)

// soon returns the time to the next try after n failed ones.
func soon(n int) time.Duration { return threadSoon << min(n, 10) }

// Run reads threads until ctx is cancelled. It returns nil.
func (t *Threads) Run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; {
		wait, err := t.Once(ctx)
		if err == nil {
			failed = 0
		} else if ctx.Err() == nil {
			t.failures.Failed(t.o.Log, "reading messages failed", err, hintOf(err)...)
			wait = min(soon(failed), threadRetry)
			failed++
			if f, ok := errors.AsType[*order.Failure](err); ok {
				wait = max(wait, f.After)
			}
		}
		beat.Sleep(ctx, wait, t.wake)
	}
	return nil
}

// Once reads one row of due threads, the longest due first, and returns the time to
// the next row.
func (t *Threads) Once(ctx context.Context) (wait time.Duration, err error) {
	wait, err = t.once(ctx)
	if ctx.Err() == nil {
		t.showLasting(err)
	}
	return wait, err
}

func (t *Threads) once(ctx context.Context) (wait time.Duration, err error) {
	ids, next, err := t.o.Store.DueThreads(ctx, time.Now(), threadRow)
	if err != nil {
		return 0, err
	}
	if len(ids) > 0 {
		catalog, err := t.o.Catalog(ctx)
		if err == nil {
			err = t.readRow(ctx, catalog, ids)
		}
		return threadPause, err
	}
	if next.IsZero() {
		return threadSleep, nil
	}
	return min(max(time.Until(next), time.Second), threadSleep), nil
}

// unreadError is the failure to read one thread. Its next read is put off already.
type unreadError struct {
	id    string
	first bool // the last read had worked
	error
}

func (e *unreadError) Unwrap() error { return e.error }

// readRow reads threads. Those that fail do not hold up the others. It returns an
// error if none could be read. A thread that is too large says nothing about the others,
// so it is no such error.
func (t *Threads) readRow(ctx context.Context, catalog Catalog, ids []string) error {
	var failed []*unreadError
	down := 0
	for i, id := range ids {
		err := t.read(ctx, catalog, id)
		if one, ok := errors.AsType[*unreadError](err); ok {
			failed = append(failed, one)
			if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Hold {
				down++
			}
		} else if err != nil {
			return err
		}
		if down == i+1 && (down == maxUnread || down == len(ids)) {
			return failed[0]
		}
	}
	for _, one := range failed {
		if one.first {
			t.o.Log.Warn("the thread of an order cannot be read", "order", one.id, "error", one.error)
		}
	}
	t.failures.Recovered(t.o.Log, "reading messages works again")
	return nil
}

// read copies one thread into the store. One that cannot be read is put off, so that
// the others have their turn first.
func (t *Threads) read(ctx context.Context, catalog Catalog, id string) error {
	asked := time.Now()
	messages, err := t.o.Market.Messages(ctx, id)
	th, failed := t.thread(ctx, catalog, id, messages)
	if failed != nil {
		return failed
	}
	th.Asked = asked
	if err == nil {
		delete(t.unread, id)
		delete(t.broken, id)
		return t.apply(th)
	}
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || ctx.Err() != nil || f.Class != order.Fail && f.Class != order.Retry && f.Class != order.Hold {
		return err
	}
	th.Unread = true
	wait, n := soon(t.unread[id]), t.unread[id]
	if f.Class == order.Retry {
		wait = min(wait, threadRetry)
	}
	if again := time.Now().Add(wait); again.Before(th.Next) {
		th.Next = again
	}
	t.unread[id]++
	if failed := t.apply(th); failed != nil || f.Class == order.Fail {
		t.o.Log.Debug("thread not readable", "order", id, "error", err)
		return failed
	}
	t.broke(id, err)
	return &unreadError{id, n == 0, err}
}

// Show copies a thread into the store that was read elsewhere, asked for at that time.
func (t *Threads) Show(ctx context.Context, id string, messages []order.Message, asked time.Time) error {
	catalog, err := t.o.Catalog(ctx)
	if err != nil {
		return err
	}
	th, err := t.thread(ctx, catalog, id, messages)
	if err != nil {
		return err
	}
	th.Asked = asked
	return t.apply(th)
}

// thread returns what follows from the messages of an order's thread.
func (t *Threads) thread(ctx context.Context, catalog Catalog, id string, messages []order.Message) (order.Thread, error) {
	o, err := t.o.Store.Order(ctx, id)
	if err != nil {
		return order.Thread{}, err
	}
	s := catalog.find(o.Facts, order.Known{Service: o.Service, Assigned: true}).service
	th := order.Thread{OrderID: id, Messages: messages, Next: time.Now().Add(t.pace.Load().interval)}
	th.Answer = s.Answers && o.WorkspaceExpiresAt.IsZero()
	if until, open := asksUntil(o, s); open {
		th.Pieces, th.Until, th.Unasked = true, until, t.unasked(o, messages)
		if until.IsZero() || time.Now().Before(until.Add(t.pace.Load().window)) {
			th.Next = time.Now().Add(t.pace.Load().window)
		}
		if th.Quota = s.Quota; o.QuotaTotal != nil {
			th.Quota = *o.QuotaTotal
		}
	}
	return th, nil
}

// unasked reports whether the thread brings its client a piece with a higher number than the
// client had asked for. Piece 1 was begun from the brief then, which a restored ledger does
// not know. It may come later than the others, or not yet.
func (t *Threads) unasked(o order.Order, messages []order.Message) bool {
	asked := 0
	for _, m := range messages {
		switch {
		case m.Party == order.PartyClient:
			asked++
		// A template without the number has the same text for each piece.
		case t.brings(o, m, asked+1) && (asked == 0 || !t.brings(o, m, asked)):
			return true
		}
	}
	return false
}

// brings reports whether a message of ours brings a piece with that number.
func (t *Threads) brings(o order.Order, m order.Message, piece int) bool {
	links := order.Links(m.Text)
	return t.o.PieceText != nil && m.Party == order.PartyAgent && len(links) > 0 &&
		strings.TrimSpace(m.Text) == strings.TrimSpace(t.o.PieceText(o, piece, links))
}

func (t *Threads) apply(th order.Thread) error {
	fresh, err := t.o.Store.ApplyThread(th)
	if fresh > 0 {
		t.o.Log.Debug("messages read", "order", th.OrderID, "new", fresh)
	}
	return err
}
