// Package budget counts requests as the marketplace counts them, and decides which
// request may be sent now. When few are left, deliveries go before uploads, then
// quotes, messages and polls. A request is counted in the ledger before it is sent,
// so that a daemon in a restart loop cannot use up the hour. Agents on one address may
// count together, and each then leaves the others their part.
//
// The marketplace's guide promises a separate count for each kind of request. The
// deployed marketplace keeps one shared count for all requests from an address, in a
// fixed window that begins with the first of them. The budget learns from answers
// which of the two is true. Until then it assumes a shared count. Once that is used
// up it sends a single delivery or upload beyond it, as a probe.
//
// It must not know HTTP, SQL or orders.
package budget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Ledger stores the counts. Its writes are durable when they return.
type Ledger interface {
	Windows(ctx context.Context) ([]order.Window, error)
	CountRequest(r order.Request, windows []order.Window) (id int64, err error)
	AnswerRequest(id int64, a order.Answer, windows []order.Window) error
	Fact(ctx context.Context, name string) (string, error)
	SetFact(name, value string) error
	// PendingSends returns the number of jobs that wait to be delivered, and that of
	// all unfinished jobs.
	PendingSends(ctx context.Context) (delivering, total int, err error)
	// DueDeliveries returns the number of deliveries that could be sent now.
	DueDeliveries(ctx context.Context) (int, error)
	// OrdersSince returns the number of orders placed since t.
	OrdersSince(ctx context.Context, t time.Time) (int, error)
	// SentSince returns the number of uploads and deliveries sent since t.
	SentSince(ctx context.Context, t time.Time) (uploads, deliveries int, err error)
}

// Limits are the owner's settings. Answers of the marketplace can lower a ceiling
// for a day, and never raise it.
type Limits struct {
	// Window is the length of a counting window. The default is 1 h, as at the
	// marketplace.
	Window time.Duration
	// Ceilings are the requests allowed in a window, by kind. A kind without a
	// ceiling is not counted.
	Ceilings map[order.RequestKind]int
	// Reserve is the part of a shared count that polls leave to other requests.
	Reserve int
	// Share is the count of all agents on the address; nil for an agent that is alone there.
	Share Share
}

// Budget decides which request may be sent. It implements atelier.Meter, and is
// safe for concurrent use.
type Budget struct {
	ledger Ledger
	limits Limits
	log    *slog.Logger

	mu      sync.Mutex
	windows map[string]*window
	// counts is what has been learned: shared, separate, or "" for nothing yet.
	counts string
	probe  probe
	// learned is when relearn last forgot what had been learned.
	learned time.Time
	// polled is the time of the last poll. It begins as the start of the process, so
	// that a restart loop does not use up the reserve with polls.
	polled time.Time
	// begun holds the orders that have an upload but no delivery in this window.
	begun map[string]bool

	sharing
	failures logonce.Logger // of the share
}

type window struct {
	order.Window
	// anchor is the first request of the window, until its answer comes.
	// The marketplace's window begins when that request arrives there, so ours must
	// end no sooner than an hour after the answer.
	anchor string
}

// probe is the one request sent beyond an assumed shared count. Its answer shows
// how the marketplace counts.
type probe struct {
	windowEnd time.Time // of the window in which it was sent
	until     time.Time // how long the answer is waited for; zero once it came
}

// probeWithin is how long the answer to a probe is waited for. Its process may have died.
const probeWithin = 10 * time.Minute

// Open returns a budget that continues with the counts in the ledger.
func Open(ctx context.Context, ledger Ledger, limits Limits, log *slog.Logger) (*Budget, error) {
	if limits.Window <= 0 {
		limits.Window = time.Hour
	}
	now := time.Now()
	b := &Budget{
		ledger: ledger, limits: limits, log: log, windows: map[string]*window{},
		learned: now, polled: now, begun: map[string]bool{},
		sharing: sharing{share: limits.Share, missed: map[string]int{}},
	}
	list, err := ledger.Windows(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the request counts: %w", err)
	}
	for _, w := range list {
		b.windows[w.Scope] = &window{Window: w}
	}
	if b.counts, err = ledger.Fact(ctx, order.FactCounts); err != nil {
		return nil, fmt.Errorf("read the request counts: %w", err)
	}
	return b, nil
}

// Take counts a request before it is sent. After an error the request must not be
// sent: an *order.Failure of class Wait says how long to wait, and one of class Retry
// that it could not be counted. Otherwise the caller must call done once with the answer.
func (b *Budget) Take(ctx context.Context, call order.RequestKind, orderID string) (done func(order.Answer), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if _, counted := b.limits.Ceilings[call]; !counted {
		id, err := b.ledger.CountRequest(order.Request{Kind: call, OrderID: orderID, At: now}, nil)
		if err != nil {
			return nil, notCounted(err)
		}
		return func(a order.Answer) { b.answerUncounted(id, a) }, nil
	}
	var id int64
	var probing bool
	if err := b.together(ctx, func() (err error) {
		id, probing, err = b.count(ctx, order.Request{Kind: call, OrderID: orderID, At: now})
		return err
	}); err != nil {
		if _, ok := errors.AsType[*order.Failure](err); !ok {
			err = notCounted(err)
		}
		return nil, err
	}
	return func(a order.Answer) { b.answered(call, id, probing, a) }, nil
}

// count counts a request in the ledger and in memory, or returns why it may not be sent.
func (b *Budget) count(ctx context.Context, r order.Request) (id int64, probing bool, err error) {
	now := r.At
	b.relearn(now)
	probing, wait, err := b.allowed(ctx, r.Kind, now)
	if err != nil {
		return 0, false, err
	}
	if wait > 0 {
		return 0, false, refuse(wait, fmt.Errorf("no %s request is left in this window", r.Kind))
	}
	own, all := b.open(string(r.Kind), now), b.open(order.ScopeAll, now)
	for _, w := range []*window{own, all} {
		w.Used++
		b.use(w.Scope)
	}
	if id, err = b.ledger.CountRequest(r, []order.Window{own.Window, all.Window}); err != nil {
		for _, w := range []*window{own, all} {
			w.Used--
			b.unuse(w.Scope)
		}
		return 0, false, err
	}
	for _, w := range []*window{own, all} {
		if w.Used == 1 {
			w.anchor = b.anchorOf(id)
		}
	}
	b.sent(r.Kind, r.OrderID, now)
	if probing {
		b.probe = probe{windowEnd: all.EndsAt, until: now.Add(probeWithin)}
	}
	return id, probing, nil
}

func refuse(after time.Duration, err error) error {
	return &order.Failure{Class: order.Wait, Code: order.CodeBudget, Err: err, After: after}
}

// notCounted is a failure and no wait: it is logged, and it is unknown when it ends.
func notCounted(err error) error {
	f := &order.Failure{Class: order.Retry, Code: order.CodeNotCounted, Outage: true, Err: fmt.Errorf("count the request: %w", err)}
	if own := host.Failure(err); own != nil {
		f.Hint = own.Hint
	}
	return f
}

// sent records what yields needs to know.
func (b *Budget) sent(call order.RequestKind, orderID string, now time.Time) {
	switch call {
	case order.RequestPoll:
		b.polled, b.self.Polled = now, now
	case order.RequestUpload:
		b.begun[orderID] = true
	case order.RequestDeliver:
		delete(b.begun, orderID)
	}
}

// Wait returns how long to wait until a request of the kind may be sent; 0 means
// now. It reserves nothing: a Take after it can still be refused. It returns 0 when the
// counts cannot be read, and then Take returns the error.
func (b *Budget) Wait(ctx context.Context, call order.RequestKind) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, counted := b.limits.Ceilings[call]; !counted {
		return 0
	}
	if err := b.look(ctx); err != nil {
		return 0
	}
	_, wait, err := b.allowed(ctx, call, time.Now())
	if err != nil {
		return 0
	}
	return wait
}

// Change replaces the ceilings and the reserve. The window stays as it is.
func (b *Budget) Change(ceilings map[order.RequestKind]int, reserve int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits.Ceilings, b.limits.Reserve = ceilings, reserve
}

// Left returns how many requests of each kind may still be sent in the present window.
func (b *Budget) Left() map[order.RequestKind]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, left := time.Now(), map[order.RequestKind]int{}
	for call := range b.limits.Ceilings {
		own := b.current(string(call), now)
		used := own.Used
		if b.counts != order.CountsSeparate {
			used = b.current(order.ScopeAll, now).Used
		}
		left[call] = max(b.ceiling(call, own)-used, 0)
		if own.BlockedUntil.After(now) {
			left[call] = 0
		}
	}
	return left
}

// refresh reads from the ledger what another process has counted or learned, such
// as a command that the owner runs next to the daemon.
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
			if b.share != nil {
				there.Used = max(there.Used, mine.Used) // with what others had used
			}
			mine.Window = there
		default:
			*mine = window{Window: there}
		}
	}
	return nil
}

// alike reports whether a window equals what the ledger holds, which stores times
// in milliseconds.
func alike(a, b order.Window) bool {
	return a.Used == b.Used && a.Limit == b.Limit && near(a.StartedAt, b.StartedAt) && near(a.EndsAt, b.EndsAt) &&
		near(a.BlockedUntil, b.BlockedUntil)
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() < 2*time.Millisecond }

// of returns the window of the scope, whether or not it is over.
func (b *Budget) of(scope string) *window {
	w := b.windows[scope]
	if w == nil {
		w = &window{Window: order.Window{Scope: scope}}
		b.windows[scope] = w
	}
	return w
}

// open returns the window of the scope at now. It begins a window if there is none.
func (b *Budget) open(scope string, now time.Time) *window {
	w := b.of(scope)
	if !now.Before(w.EndsAt) {
		// The answer to the first request will set the end. Until then the slack
		// allows for a request that arrives late.
		slack := min(b.limits.Window/20, 10*time.Second)
		w.StartedAt, w.EndsAt, w.Used, w.anchor = now, now.Add(b.limits.Window+slack), 0, ""
		b.begins(scope)
		if scope == order.ScopeAll {
			clear(b.begun)
		}
	}
	return w
}

// current returns the window of the scope at now, or an empty one if it is over.
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

// allowed decides whether a request of the kind may be sent now, and as a probe. A
// wait of 0 allows it. The caller holds the lock.
func (b *Budget) allowed(ctx context.Context, call order.RequestKind, now time.Time) (probing bool, wait time.Duration, err error) {
	own, all := b.current(string(call), now), b.current(order.ScopeAll, now)
	if blocked := own.BlockedUntil.Sub(now); blocked > 0 {
		return false, blocked, nil
	}
	ceiling := b.ceiling(call, own)
	if b.counts == order.CountsSeparate {
		if own.Used < ceiling {
			return false, b.leaves(call, ceiling-own.Used, ceiling, own, now), nil
		}
		return false, until(own, now, b.limits.Window), nil
	}
	left := ceiling - all.Used
	if left > 0 {
		wait, err := b.yields(ctx, call, left, all, now)
		return false, max(wait, b.leaves(call, left, ceiling, all, now)), err
	}
	if own.Used < ceiling && b.mayProbe(call, all, now) {
		if b.probe.until.After(now) {
			return false, time.Second, nil // the answer to the probe decides
		}
		return true, 0, nil
	}
	return false, until(all, now, b.limits.Window), nil
}

func until(w order.Window, now time.Time, most time.Duration) time.Duration {
	if w.EndsAt.IsZero() {
		return most
	}
	return max(w.EndsAt.Sub(now), time.Millisecond)
}

// mayProbe reports whether a request may go beyond an assumed shared count: one in
// a window, while nothing has been learned, and only a delivery or an upload.
func (b *Budget) mayProbe(call order.RequestKind, all order.Window, now time.Time) bool {
	if b.counts != "" || (call != order.RequestDeliver && call != order.RequestUpload) {
		return false
	}
	return b.probe.until.After(now) || !near(b.probe.windowEnd, all.EndsAt)
}

func (b *Budget) ceiling(call order.RequestKind, own order.Window) int {
	c := b.limits.Ceilings[call]
	if own.Limit > 0 {
		c = min(c, own.Limit)
	}
	return c
}
