// Package budget counts requests as the marketplace counts them, and says who
// may send one now: deliver before upload before quote before message before
// poll. What it counts is durable before the request is sent, so that a restart
// loop cannot burn the hour.
//
// The deployed marketplace keeps one count for all calls from an address, in a
// fixed window that starts with the first; its guide promises a count for each.
// Which is true is learned from answers: until then one count is assumed, and at
// its end a single delivery or upload is sent to see.
//
// It must not know HTTP, SQL or orders.
package budget

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"atelierd/internal/order"
)

// Ledger keeps the counts. Its writes are durable when they return.
type Ledger interface {
	Windows(ctx context.Context) ([]order.Window, error)
	CountRequest(r order.Request, windows []order.Window) (id int64, err error)
	AnswerRequest(id int64, a order.Answer, windows []order.Window) error
	Fact(ctx context.Context, name string) (string, error)
	SetFact(name, value string) error
	// PendingSends counts the jobs that wait to be delivered, and all unfinished ones.
	PendingSends(ctx context.Context) (delivering, total int, err error)
	// OrdersSince counts the orders placed since t.
	OrdersSince(ctx context.Context, t time.Time) (int, error)
}

// Limits are the owner's settings: ceilings that answers can only lower.
type Limits struct {
	// Window is the length of a counting window; 1 h at the marketplace.
	Window time.Duration
	// Ceilings are the requests in a window, by call. A call without one is
	// not counted.
	Ceilings map[order.RequestKind]int
	// Reserve is how much of a shared count is kept from polling.
	Reserve int
}

// The counts, as they are written to the ledger.
const (
	scopeAll     = "all"
	factCounts   = "budget.counts"
	countsShared = "shared"
	countsApart  = "separate"
)

// Budget hands out requests. It implements the client's Meter.
type Budget struct {
	ledger Ledger
	limits Limits
	log    *slog.Logger

	mu      sync.Mutex
	windows map[string]*window
	// counts is what has been learned: shared, separate, or "" for not yet.
	counts string
	probe  probe
	// learned is when counting was last looked at afresh, see relearn.
	learned time.Time
	// polled is the last poll; a process that has sent none takes its start, so
	// that a restart loop does not poll the reserve away.
	polled time.Time
	// begun are the orders with an upload but no delivery in this window.
	begun map[string]bool
}

type window struct {
	order.Window
	// anchor is the first request of the window. The marketplace's window began
	// while it was under way, so ours is set to end no sooner.
	anchor int64
}

// probe is the one request sent beyond an assumed shared count, to see.
type probe struct {
	windowEnd time.Time // the window in which it was sent
	running   bool
}

// Open reads the counts of earlier runs.
func Open(ctx context.Context, ledger Ledger, limits Limits, log *slog.Logger) (*Budget, error) {
	if limits.Window <= 0 {
		limits.Window = time.Hour
	}
	now := time.Now()
	b := &Budget{ledger: ledger, limits: limits, log: log, windows: map[string]*window{},
		learned: now, polled: now, begun: map[string]bool{}}
	list, err := ledger.Windows(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the request counts: %w", err)
	}
	for _, w := range list {
		b.windows[w.Scope] = &window{Window: w}
	}
	if b.counts, err = ledger.Fact(ctx, factCounts); err != nil {
		return nil, fmt.Errorf("read the request counts: %w", err)
	}
	return b, nil
}

// Take counts a request that is about to be sent. Its error is an
// *order.Failure of class Wait when none is left, and then nothing may be sent.
// done must be called once with what came back.
func (b *Budget) Take(ctx context.Context, call order.RequestKind, orderID string) (done func(order.Answer), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if _, counted := b.limits.Ceilings[call]; !counted {
		id, err := b.ledger.CountRequest(order.Request{Kind: call, OrderID: orderID, At: now}, nil)
		if err != nil {
			return nil, refuse(time.Second, fmt.Errorf("count the request: %w", err))
		}
		return func(a order.Answer) { b.answerUncounted(id, a) }, nil
	}
	if err := b.refresh(ctx); err != nil {
		return nil, refuse(time.Second, err)
	}
	b.relearn(now)
	probing, wait, err := b.allowed(ctx, call, now)
	if err != nil {
		return nil, refuse(time.Second, err)
	}
	if wait > 0 {
		return nil, refuse(wait, fmt.Errorf("no %s request is left in this window", call))
	}
	own, all := b.open(string(call), now), b.open(scopeAll, now)
	own.Used++
	all.Used++
	id, err := b.ledger.CountRequest(order.Request{Kind: call, OrderID: orderID, At: now},
		[]order.Window{own.Window, all.Window})
	if err != nil {
		own.Used--
		all.Used--
		return nil, refuse(time.Second, fmt.Errorf("count the request: %w", err))
	}
	for _, w := range []*window{own, all} {
		if w.Used == 1 {
			w.anchor = id
		}
	}
	b.sent(call, orderID, now)
	if probing {
		b.probe = probe{windowEnd: all.EndsAt, running: true}
	}
	return func(a order.Answer) { b.answered(call, id, probing, a) }, nil
}

func refuse(after time.Duration, err error) error {
	return &order.Failure{Class: order.Wait, Code: order.CodeBudget, Err: err, After: after}
}

// sent remembers what yields needs to know.
func (b *Budget) sent(call order.RequestKind, orderID string, now time.Time) {
	switch call {
	case order.RequestPoll:
		b.polled = now
	case order.RequestUpload:
		b.begun[orderID] = true
	case order.RequestDeliver:
		delete(b.begun, orderID)
	}
}

// Wait says how long it takes until call may be sent; 0 means now. It promises
// nothing: somebody else may be quicker.
func (b *Budget) Wait(ctx context.Context, call order.RequestKind) time.Duration {
	if _, counted := b.limits.Ceilings[call]; !counted {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(ctx); err != nil {
		return time.Second
	}
	_, wait, err := b.allowed(ctx, call, time.Now())
	if err != nil {
		return time.Second
	}
	return wait
}

// refresh takes over what another process, a command of the owner's beside the
// daemon, has counted or learned since.
func (b *Budget) refresh(ctx context.Context) error {
	list, err := b.ledger.Windows(ctx)
	if err != nil {
		return fmt.Errorf("read the request counts: %w", err)
	}
	for _, there := range list {
		mine := b.windows[there.Scope]
		switch {
		case mine == nil:
			b.windows[there.Scope] = &window{Window: there}
		case alike(mine.Window, there):
		case near(mine.StartedAt, there.StartedAt):
			mine.Window = there
		default:
			*mine = window{Window: there}
		}
	}
	return nil
}

// alike compares a window with what the ledger keeps of it, which is cut to
// milliseconds.
func alike(a, b order.Window) bool {
	return a.Used == b.Used && a.Limit == b.Limit && near(a.StartedAt, b.StartedAt) && near(a.EndsAt, b.EndsAt) &&
		near(a.BlockedUntil, b.BlockedUntil)
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() < 2*time.Millisecond }

// open gives the window of the scope that now falls in, starting it if needed.
func (b *Budget) open(scope string, now time.Time) *window {
	w := b.windows[scope]
	if w == nil {
		w = &window{Window: order.Window{Scope: scope}}
		b.windows[scope] = w
	}
	if !now.Before(w.EndsAt) {
		// The answer to the first request sets the end; until then allow for a
		// marketplace that gets it late.
		slack := min(b.limits.Window/20, 10*time.Second)
		w.StartedAt, w.EndsAt, w.Used, w.anchor = now, now.Add(b.limits.Window+slack), 0, 0
		if scope == scopeAll {
			clear(b.begun)
		}
	}
	return w
}

// current is the window of the scope, or an empty one when it is over.
func (b *Budget) current(scope string, now time.Time) order.Window {
	w := b.windows[scope]
	if w == nil {
		return order.Window{Scope: scope}
	}
	if !now.Before(w.EndsAt) {
		return order.Window{Scope: scope, Limit: w.Limit, BlockedUntil: w.BlockedUntil}
	}
	return w.Window
}

// allowed decides on one request. The caller holds the lock.
func (b *Budget) allowed(ctx context.Context, call order.RequestKind, now time.Time) (probing bool, wait time.Duration, err error) {
	own, all := b.current(string(call), now), b.current(scopeAll, now)
	if blocked := own.BlockedUntil.Sub(now); blocked > 0 {
		return false, blocked, nil
	}
	ceiling := b.ceiling(call, own)
	if b.counts == countsApart {
		if own.Used < ceiling {
			return false, 0, nil
		}
		return false, until(own, now, b.limits.Window), nil
	}
	left := ceiling - all.Used
	if left > 0 {
		wait, err := b.yields(ctx, call, left, all, now)
		return false, wait, err
	}
	if own.Used < ceiling && b.mayProbe(call, all) {
		if b.probe.running {
			return false, time.Second, nil // its answer decides
		}
		return true, 0, nil
	}
	return false, until(all, now, b.limits.Window), nil
}

// yields says how long the call has to leave the rest of a shared count to what
// brings more.
func (b *Budget) yields(ctx context.Context, call order.RequestKind, left int, all order.Window, now time.Time) (time.Duration, error) {
	switch call {
	case order.RequestUpload, order.RequestQuote, order.RequestMessage, order.RequestPoll:
	default:
		return 0, nil
	}
	delivering, _, err := b.ledger.PendingSends(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the work that is owed: %w", err)
	}
	switch {
	case call != order.RequestPoll && left <= max(delivering, len(b.begun)):
		// A file uploaded now is worth nothing before its delivery, and a quote or
		// a message can wait: what is to be delivered goes first. Files on their
		// way are not in the ledger yet.
		return min(until(all, now, b.limits.Window), time.Minute), nil
	case call == order.RequestPoll && left <= b.limits.Reserve && all.Used > 0 && delivering == 0:
		// Of the reserve, only so much that an order is found in time. With
		// a delivery waiting this may be the look that comes before it.
		rest := b.polled.Add(longestGap(b.limits.Window)).Sub(now)
		return max(min(rest, until(all, now, b.limits.Window)), 0), nil
	}
	return 0, nil
}

func until(w order.Window, now time.Time, most time.Duration) time.Duration {
	if w.EndsAt.IsZero() {
		return most
	}
	return max(w.EndsAt.Sub(now), time.Millisecond)
}

// mayProbe allows one request a window beyond an assumed shared count, as long
// as nothing is known, and only for what brings money.
func (b *Budget) mayProbe(call order.RequestKind, all order.Window) bool {
	if b.counts != "" || (call != order.RequestDeliver && call != order.RequestUpload) {
		return false
	}
	return b.probe.running || !b.probe.windowEnd.Equal(all.EndsAt)
}

func (b *Budget) ceiling(call order.RequestKind, own order.Window) int {
	c := b.limits.Ceilings[call]
	if own.Limit > 0 {
		c = min(c, own.Limit)
	}
	return c
}
