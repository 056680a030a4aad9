// Package intake brings what the marketplace shows into the store: orders, the jobs
// that follow from them, and the messages of clients. Polls and webhooks take the
// same idempotent path: read, decide, apply.
//
// It must not know SQL, HTTP, or how work is done.
package intake

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is the part of the database that the Poller needs. Its writes are durable
// when they return.
type Store interface {
	// Mark returns a point in our own history. It is taken before a poll is sent, so
	// that Apply can ignore what the listing shows of an order that changed since.
	Mark(ctx context.Context) (int64, error)
	// Apply writes a listing and the jobs that follow from it.
	Apply(b order.Batch) (order.Applied, error)
	// SetAlert shows an alert to the owner. An empty text clears it.
	SetAlert(a order.Alert, text string) error
	// RunNow makes the jobs that wait for one of the codes due now.
	RunNow(codes ...order.Code) error
	// ReadThread makes the thread of an order due to be read now.
	ReadThread(orderID string) error
}

// Market is the part of the marketplace's API that the Poller needs.
type Market interface {
	// OrdersInParts calls take with each part of a listing. The last one has no More.
	OrdersInParts(ctx context.Context, statuses []order.Status, take func(order.Listing) error) error
	Order(ctx context.Context, id string) (order.Facts, error)
	Bounty(ctx context.Context, id string) (order.Bounty, error)
}

// Pacer decides how long to wait before the next poll: at least interval.
type Pacer interface {
	PollDelay(ctx context.Context, interval time.Duration) time.Duration
}

// Options are the poller's settings.
type Options struct {
	Store   Store
	Market  Market
	Pacer   Pacer
	Catalog func(ctx context.Context) (Catalog, error) // called at each poll
	// Sightings gets what the polls show; nil is a record that nobody else reads.
	Sightings *Sightings
	Log       *slog.Logger
	// Interval is the least time between polls. The budget may make it longer.
	Interval time.Duration
	// SlowInterval is the time between polls while the key is refused: 10 min.
	SlowInterval time.Duration
	// SafetyInterval is the time between polls while webhooks are relied on: 15 min.
	SafetyInterval time.Duration
	// Trust is how long after the last webhook they are relied on: 1 h.
	Trust time.Duration
	// Debounce is the least time between two reads that events ask for: 5 s.
	Debounce time.Duration
	// Polled is called with each part of a listing that was applied; complete says that
	// it is of every status. May be nil.
	Polled func(l order.Listing, complete bool)
	// Ended is called after each poll; may be nil.
	Ended func(PollState)
	// Foreign returns what a row shows as done in the agent's name and the ledger lacks, or
	// "". It must be pure; nil looks for nothing.
	Foreign func(order.Record, order.Facts) string
	// KeyChanged reports whether the key has been replaced since the last call. It is
	// called every few seconds while the key is refused; may be nil.
	KeyChanged func() bool
	// KeyRefused is called with true when the marketplace refuses the key, and with
	// false when it accepts a key again; may be nil.
	KeyRefused func(refused bool)
}

// Poller polls the marketplace for orders. Create it with New.
type Poller struct {
	o        Options
	failures logonce.Logger
	lasting  lasting
	pace     atomic.Pointer[Pace]
	hint     chan struct{}
	event    chan struct{}
	changed  chan struct{} // the pace was replaced

	hintMu sync.Mutex
	hints  hints

	stateMu sync.Mutex
	state   PollState
	asked   []chan<- PollState // of those who wait for the next poll of Run
	ended   chan struct{}      // closed at the end of Run

	// mu allows one poll at a time.
	mu turn
	// bounties are those that became orders, by id.
	bounties map[string]order.Bounty
	// complete makes the next poll ask for every status.
	complete     bool
	windows      string // the alert about windows that end, as last stored
	polledAt     time.Time
	lookedAt     time.Time     // of the last read that events asked for; only Run uses it
	said         time.Duration // the wait that was last logged; only Run uses it
	lastComplete time.Time
	refused      bool
	failed       bool // the last poll
	recovered    func()
}

const (
	// keyCheck is the time between two calls of KeyChanged while the key is refused.
	keyCheck = 5 * time.Second
	// completeEvery is the time between two polls that ask for every status although
	// no order is missing.
	completeEvery = 6 * time.Hour
)

// New returns a poller.
func New(o Options) *Poller {
	if o.SlowInterval == 0 {
		o.SlowInterval = 10 * time.Minute
	}
	if o.Polled == nil {
		o.Polled = func(order.Listing, bool) {}
	}
	if o.Ended == nil {
		o.Ended = func(PollState) {}
	}
	if o.KeyChanged == nil {
		o.KeyChanged = func() bool { return false }
	}
	if o.KeyRefused == nil {
		o.KeyRefused = func(bool) {}
	}
	if o.Sightings == nil {
		o.Sightings = NewSightings(o.Interval)
	}
	p := &Poller{o: o, mu: make(turn, 1), hint: make(chan struct{}, 1), event: make(chan struct{}, 1), changed: make(chan struct{}, 1), ended: make(chan struct{}), complete: true, windows: "unknown", recovered: func() {}}
	p.pace.Store(Pace{o.Interval, o.SafetyInterval, o.Trust, o.Debounce}.withDefaults())
	p.lasting = lasting{alert: order.AlertPoll, what: "orders could not be read for hours", setAlert: o.Store.SetAlert}
	p.bounties = map[string]order.Bounty{}
	p.take()
	p.hints.announced = map[string]time.Time{}
	return p
}

// OnRecovery has f called when a poll succeeds after a failed one. Call it before Run.
func (p *Poller) OnRecovery(f func()) { p.recovered = f }

// Hint requests a poll as soon as the budget allows. It does not block.
func (p *Poller) Hint() {
	select {
	case p.hint <- struct{}{}:
	default:
	}
}

// Run polls until ctx is cancelled. No error ends it, and it returns nil. Call it once.
func (p *Poller) Run(ctx context.Context) error {
	defer close(p.ended)
	for ctx.Err() == nil {
		asked := p.begin()
		err := p.Poll(ctx)
		wait := p.delay(ctx, err)
		p.dueAt(time.Now().Add(wait))
		p.sayNext(wait, p.State())
		for _, answer := range asked {
			answer <- p.State()
		}
		p.sleep(ctx, wait)
	}
	return nil
}

// sayNext logs when the next poll is: after a poll that has found something, and when the
// wait has become much longer or shorter.
func (p *Poller) sayNext(wait time.Duration, last PollState) {
	level := slog.LevelDebug
	if last.Err == nil && last.New+last.Changed > 0 || wait > p.said*3/2 || wait < p.said*2/3 {
		level, p.said = slog.LevelInfo, wait
	}
	p.o.Log.Log(context.Background(), level, "next poll in "+wait.Round(time.Second).String()) //nolint:sloglint // read by people who wait
}

// delay returns how long to wait after a poll that ended with err.
func (p *Poller) delay(ctx context.Context, err error) time.Duration {
	if p.keyRefused() {
		return p.o.SlowInterval
	}
	interval := p.interval()
	if err != nil {
		// What events have announced is not in the store yet, and events are not
		// repeated. So the safety interval must not apply after a failed poll.
		interval = p.pace.Load().Interval
	}
	d := p.o.Pacer.PollDelay(ctx, interval)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.After > d {
		d = f.After
	}
	return d
}

func (p *Poller) keyRefused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// sleep waits for d, for a hint, or, while the key is refused, for another key. It
// handles events meanwhile, which may shorten the wait.
func (p *Poller) sleep(ctx context.Context, d time.Duration) {
	due := time.Now().Add(d)
	t := time.NewTimer(d)
	defer t.Stop()
	var check <-chan time.Time
	if p.keyRefused() {
		tick := time.NewTicker(keyCheck)
		defer tick.Stop()
		check = tick.C
	}
	defer beat.Turn(ctx)
	for {
		beat.Within(ctx, time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case <-p.hint:
			return
		case <-p.event:
			if !p.events(ctx) || check != nil {
				continue // with a refused key a poll shows no more than the read did
			}
			due = p.sooner(due, p.soonest(ctx), t)
		case <-p.changed:
			due = p.sooner(due, p.after(ctx, p.interval()), t)
		case <-check:
			if p.o.KeyChanged() {
				p.o.Log.Info("the key was replaced; trying the new one")
				return
			}
		}
	}
}

// events waits for the rest of a row of events, then does what they ask for. It
// reports whether a poll is needed.
func (p *Poller) events(ctx context.Context) (poll bool) {
	beat.Sleep(ctx, max(time.Until(p.lookedAt.Add(p.pace.Load().Debounce)), 0), nil)
	if ctx.Err() != nil {
		return false
	}
	p.lookedAt = time.Now()
	return p.follow(ctx)
}

// soonest returns when a poll that events ask for may be sent. Polls are counted, so
// even a flood of events leads to no more than one in each interval.
func (p *Poller) soonest(ctx context.Context) time.Time { return p.after(ctx, p.pace.Load().Interval) }

// Poll polls once and applies the listing.
func (p *Poller) Poll(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	began := time.Now()
	got, err := p.poll(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.note(began, got, err)
	defer func() { p.o.Ended(p.State()) }()
	p.resumeUnseen(err)
	switch {
	case err == nil:
		p.noteErr(p.lasting.worked())
		p.failures.Recovered(p.o.Log, "polling works again")
		if p.failed {
			p.failed = false
			p.recovered()
		}
	case keyWasRefused(err):
		p.keyIsRefused(err)
	case isWait(err):
		p.noteErr(p.lasting.failed(err))
		p.o.Log.Debug("poll delayed", "reason", err)
	default:
		p.noteErr(p.lasting.failed(err))
		p.failed = true
		p.failures.Failed(p.o.Log, "poll failed", err, hintOf(err)...)
	}
	return err
}

func (p *Poller) poll(ctx context.Context) (got polled, err error) {
	mark, err := p.o.Store.Mark(ctx)
	if err != nil {
		return got, err
	}
	catalog, err := p.o.Catalog(ctx)
	if err != nil {
		return got, err
	}
	complete := p.complete || time.Since(p.lastComplete) >= completeEvery
	statuses := order.LiveStatuses()
	if complete {
		statuses = order.AllStatuses()
	}
	before := p.polledAt
	p.polledAt = time.Now()
	p.o.Sightings.beginListing()
	got = polled{batch: order.Batch{Mark: mark, Complete: complete, Decide: catalog.Decide, Vanished: catalog.Vanished, Foreign: p.o.Foreign}, catalog: catalog}
	if err := p.o.Market.OrdersInParts(ctx, statuses, func(part order.Listing) error { return p.applyPart(ctx, part, &got) }); err != nil {
		return got, err
	}
	if complete {
		p.lastComplete = time.Now()
	}
	sum := got.sum
	p.unannounced(sum.Moved, before)
	p.warnOfWindows(windowsText(got.windows))
	// An order that left the live list has most likely completed. The next poll asks
	// for every status.
	p.complete = !complete && sum.Missing > 0
	p.o.Log.Debug("polled", "orders", got.orders, "new", sum.New, "changed", sum.Changed, "unreadable", sum.Unreadable)
	return got, nil
}

// warnOfWindows shows the owner the windows that end without a delivery.
func (p *Poller) warnOfWindows(text string) {
	if text == p.windows {
		return
	}
	if err := p.o.Store.SetAlert(order.AlertWindow, text); err != nil {
		p.noteErr(err)
		return
	}
	p.windows = text
	if text != "" {
		p.o.Log.Warn("a window ends without a delivery", "windows", text)
	}
}

// noteErr logs the error of a write that the next poll makes up for.
func (p *Poller) noteErr(err error) {
	if err != nil {
		p.o.Log.Warn("write to the store failed", "error", err)
	}
}

func isWait(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && f.Class == order.Wait
}

// hintOf returns the key and value of a log line for the hint of err, if it has one.
func hintOf(err error) []any {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Hint != "" {
		return []any{"hint", f.Hint}
	}
	return nil
}
