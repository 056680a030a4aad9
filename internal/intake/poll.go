// Package intake turns what the marketplace says into durable rows and the work
// they owe. Every way in ends in one idempotent path: ask, decide, apply.
//
// It must not know SQL, HTTP, or how work is done.
package intake

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store is what intake needs of the database.
type Store interface {
	// Mark is a point in our own history, taken before a poll is sent.
	Mark(ctx context.Context) (int64, error)
	// Apply writes a listing and the work it makes.
	Apply(b order.Batch) (order.Applied, error)
	// SetAlert shows an alert to the owner. An empty text clears it.
	SetAlert(a order.Alert, text string) error
	// RunNow lets work that waits for the given code run now.
	RunNow(code order.Code) error
	// ReadThread lets the thread of an order be read now.
	ReadThread(orderID string) error
}

// Market is what intake asks of the marketplace.
type Market interface {
	Orders(ctx context.Context, statuses []order.Status) (order.Listing, error)
	Order(ctx context.Context, id string) (order.Facts, error)
}

// Pacer says how long to wait before the next poll.
type Pacer interface {
	PollDelay(ctx context.Context, interval time.Duration) time.Duration
}

// Options are the poller's settings.
type Options struct {
	Store   Store
	Market  Market
	Pacer   Pacer
	Catalog func(ctx context.Context) (Catalog, error)
	Log     *slog.Logger
	// Interval is the time between polls when nothing speaks against it.
	Interval time.Duration
	// SlowInterval is used while the key is refused; 10 min.
	SlowInterval time.Duration
	// SafetyInterval is the time between polls while webhooks are alive, that is
	// for Trust after the last one; 15 min and 1 h. Debounce is the least time
	// between two looks that events ask for; 5 s.
	SafetyInterval, Trust, Debounce time.Duration
	// KeyChanged says whether another key has been put in place since the last
	// call. It is asked every few seconds while the key is refused; may be nil.
	KeyChanged func() bool
	// KeyRefused is told when the key is refused (true) and accepted again.
	KeyRefused func(refused bool)
}

// Poller asks the marketplace for orders, for ever.
type Poller struct {
	o        Options
	failures logonce.Logger
	hint     chan struct{}
	event    chan struct{}

	hintMu sync.Mutex
	hints  hints

	// mu guards against two polls at the same time.
	mu sync.Mutex
	// complete makes the next poll ask for every status.
	complete     bool
	polledAt     time.Time
	lookedAt     time.Time // of the last look that events asked for; only Run uses it
	lastComplete time.Time
	refused      bool
}

// How often a key is looked for while it is refused, and every status asked for
// although nothing seems to be missing.
const (
	keyCheck      = 5 * time.Second
	completeEvery = 6 * time.Hour
)

// New makes a poller.
func New(o Options) *Poller {
	if o.SlowInterval == 0 {
		o.SlowInterval = 10 * time.Minute
	}
	if o.KeyChanged == nil {
		o.KeyChanged = func() bool { return false }
	}
	if o.KeyRefused == nil {
		o.KeyRefused = func(bool) {}
	}
	o.SafetyInterval = cmp.Or(o.SafetyInterval, 15*time.Minute)
	o.Trust = cmp.Or(o.Trust, time.Hour)
	o.Debounce = cmp.Or(o.Debounce, 5*time.Second)
	p := &Poller{o: o, hint: make(chan struct{}, 1), event: make(chan struct{}, 1), complete: true}
	p.take()
	p.hints.announced = map[string]time.Time{}
	return p
}

// Hint asks for a poll as soon as the budget allows. It returns at once.
func (p *Poller) Hint() {
	select {
	case p.hint <- struct{}{}:
	default:
	}
}

// Run polls until ctx is cancelled. Nothing else ends it, and it returns nil.
func (p *Poller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := p.Poll(ctx)
		p.sleep(ctx, p.delay(ctx, err))
	}
	return nil
}

// delay is how long to wait after a poll that ended with err.
func (p *Poller) delay(ctx context.Context, err error) time.Duration {
	if p.keyRefused() {
		return p.o.SlowInterval
	}
	interval := p.interval()
	if err != nil {
		// What events have announced is not in the file yet, and they will not
		// say it again: a poll that failed is no reason to take it slowly.
		interval = p.o.Interval
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

// sleep waits for d, a hint, or a new key while the old one is refused. Events
// are followed meanwhile, and may make it shorter.
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
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case <-p.hint:
			return
		case <-p.event:
			if !p.events(ctx) || check != nil {
				continue // with a refused key a poll tells no more than a look
			}
			if at := p.soonest(ctx); at.Before(due) {
				due = at
				t.Reset(time.Until(at))
			}
		case <-check:
			if p.o.KeyChanged() {
				p.o.Log.Info("another key is in place; trying it")
				return
			}
		}
	}
}

// events waits until more of the same have come, then does what they hint at,
// and says whether a poll is needed.
func (p *Poller) events(ctx context.Context) (poll bool) {
	pause := time.NewTimer(max(time.Until(p.lookedAt.Add(p.o.Debounce)), 0))
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-pause.C:
	}
	p.lookedAt = time.Now()
	return p.follow(ctx)
}

// soonest is when a poll that events ask for may be sent. It is counted: however
// many events come, it keeps the owner's rhythm.
func (p *Poller) soonest(ctx context.Context) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polledAt.Add(p.o.Pacer.PollDelay(ctx, p.o.Interval))
}

// Poll asks once and applies the answer.
func (p *Poller) Poll(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.poll(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		p.failures.Recovered(p.o.Log, "polling works again")
	case p.keyWasRefused(err):
		p.setRefused(true, err)
	case isWait(err):
		p.o.Log.Debug("no poll now", "why", err)
	default:
		p.failures.Failed(p.o.Log, "poll failed; polling goes on", err, "hint", hintOf(err))
	}
	return err
}

func (p *Poller) poll(ctx context.Context) error {
	mark, err := p.o.Store.Mark(ctx)
	if err != nil {
		return err
	}
	catalog, err := p.o.Catalog(ctx)
	if err != nil {
		return err
	}
	complete := p.complete || time.Since(p.lastComplete) >= completeEvery
	statuses := order.LiveStatuses()
	if complete {
		statuses = order.AllStatuses()
	}
	before := p.polledAt
	p.polledAt = time.Now()
	listing, err := p.o.Market.Orders(ctx, statuses)
	if err != nil {
		return err
	}
	p.setRefused(false, nil)
	mend(&listing, time.Now())
	sum, err := p.o.Store.Apply(order.Batch{Listing: listing, Mark: mark, Complete: complete,
		Decide: catalog.Decide, Vanished: catalog.Vanished})
	if err != nil {
		return err
	}
	if complete {
		p.lastComplete = time.Now()
	}
	p.unannounced(sum.Moved, before)
	// What left the live list has most likely completed: the next poll asks.
	p.complete = !complete && sum.Missing > 0
	if sum.New+sum.Changed > 0 || sum.Unreadable > 0 {
		p.o.Log.Info("polled", "orders", len(listing.Orders), "new", sum.New, "changed", sum.Changed, "unreadable", sum.Unreadable)
	} else {
		p.o.Log.Debug("polled", "orders", len(listing.Orders))
	}
	return nil
}

// mend keeps one odd row from spoiling a whole listing: an order that does not
// say when it was placed is taken to be placed now, and of two rows with the
// same id the first counts.
func mend(l *order.Listing, now time.Time) {
	seen := map[string]bool{}
	l.Orders = slices.DeleteFunc(l.Orders, func(f order.Facts) bool {
		twice := seen[f.ID]
		seen[f.ID] = true
		return twice
	})
	for i := range l.Orders {
		if l.Orders[i].CreatedAt.IsZero() {
			l.Orders[i].CreatedAt = now
		}
	}
}

// setRefused notes a change of whether the marketplace takes our key.
func (p *Poller) setRefused(refused bool, err error) {
	if refused == p.refused {
		return
	}
	p.refused = refused
	p.o.KeyRefused(refused)
	if refused {
		p.o.Log.Error("the marketplace refuses the key; work is held and polling slowed", "error", err,
			"hint", "put a valid key in place; work goes on by itself")
		p.noteErr(p.o.Store.SetAlert(order.AlertKey, "the marketplace refuses the key: "+err.Error()))
		return
	}
	p.o.Log.Info("the marketplace accepts the key again")
	p.noteErr(p.o.Store.SetAlert(order.AlertKey, ""))
	p.noteErr(p.o.Store.RunNow(order.CodeKeyRefused))
}

func (p *Poller) noteErr(err error) {
	if err != nil {
		p.o.Log.Warn("could not be written", "error", err)
	}
}

func (p *Poller) keyWasRefused(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && (f.Code == order.CodeKeyRefused || f.Code == order.CodeForbidden)
}

func isWait(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && f.Class == order.Wait
}

func hintOf(err error) string {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return f.Hint
	}
	return ""
}
