package intake

import (
	"context"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file is the effect of webhooks on polling. An event is only a hint. It leads
// to a read of one order or to an earlier poll, within the budget. While events
// arrive, polls come at the long safety interval. A change without an event ends
// that.

// maxPending limits the orders that events have named since the last look. Beyond it
// a poll is cheaper than to read them one by one.
const maxPending = 100

// hints is what events have asked for. Poller.hintMu guards it.
type hints struct {
	poll      bool
	orders    map[string]bool      // orders to read
	threads   map[string]bool      // orders whose threads to read
	announced map[string]time.Time // when an event last named the order
	alive     time.Time            // of the last event; zero while webhooks are not relied on
}

// Event records a webhook: the name of the event, and the id of its order or "". It
// does not block.
func (p *Poller) Event(name, orderID string) {
	p.hintMu.Lock()
	now := time.Now()
	if p.hints.alive.IsZero() {
		p.o.Log.Info("webhooks arrive; polling slows down", "interval", p.slowest().String())
	}
	p.hints.alive = now
	switch {
	case name == "bounty.claim_rejected": // its order is another agent's
	case orderID == "" || len(p.hints.orders)+len(p.hints.threads) >= maxPending:
		p.hints.poll = true
	case name == "order.message":
		p.hints.threads[orderID] = true
	default:
		p.hints.orders[orderID] = true
		if strings.HasPrefix(name, "bounty.") {
			p.hints.poll = true
		}
	}
	if len(p.hints.announced) < 100*maxPending {
		p.hints.announced[orderID] = now
	}
	p.hintMu.Unlock()
	select {
	case p.event <- struct{}{}:
	default:
	}
}

// Alive reports whether webhooks are relied on, and when the last one arrived.
func (p *Poller) Alive() (alive bool, last time.Time) {
	p.hintMu.Lock()
	defer p.hintMu.Unlock()
	last = p.hints.alive
	return !last.IsZero() && time.Since(last) < p.pace.Load().Trust, last
}

// interval is the time between polls: the owner's, or the safety interval while
// webhooks are relied on.
func (p *Poller) interval() time.Duration {
	if alive, _ := p.Alive(); alive {
		return p.slowest()
	}
	return p.pace.Load().Interval
}

func (p *Poller) slowest() time.Duration {
	pace := p.pace.Load()
	return max(pace.Interval, pace.SafetyInterval)
}

// take returns the hints since the last take and clears them.
func (p *Poller) take() hints {
	p.hintMu.Lock()
	defer p.hintMu.Unlock()
	taken := p.hints
	p.hints.poll, p.hints.orders, p.hints.threads = false, map[string]bool{}, map[string]bool{}
	return hints{poll: taken.poll, orders: taken.orders, threads: taken.threads}
}

// follow does what the events have asked for and reports whether a poll is needed.
func (p *Poller) follow(ctx context.Context) (poll bool) {
	taken := p.take()
	for id := range taken.threads {
		p.noteErr(p.o.Store.ReadThread(id))
	}
	poll = taken.poll
	for id := range taken.orders {
		if poll {
			break // a poll shows all orders
		}
		poll = p.look(ctx, id) != nil
	}
	return poll
}

// look reads one order and applies the answer. The deployed marketplace does not
// count such a read. After an error a poll is needed.
func (p *Poller) look(ctx context.Context, id string) error {
	_, err := p.apply(ctx, id, func() (order.Facts, error) {
		began := time.Now()
		facts, err := p.o.Market.Order(ctx, id)
		if err == nil {
			p.o.Sightings.Read(facts, began) // also if it cannot be stored
		}
		return facts, err
	})
	return err
}

// Show applies the facts of an order that were read elsewhere.
func (p *Poller) Show(ctx context.Context, f order.Facts) error {
	_, err := p.apply(ctx, f.ID, func() (order.Facts, error) { return f, nil })
	return err
}

// PollAll requests a poll of every status as soon as the budget allows.
func (p *Poller) PollAll() {
	p.mu.Lock()
	p.complete = true
	p.mu.Unlock()
	p.Hint()
}

// apply records what read returns of one order, and what follows from it.
func (p *Poller) apply(ctx context.Context, id string, read func() (order.Facts, error)) (order.Facts, error) {
	if err := p.mu.LockUntil(ctx); err != nil {
		return order.Facts{}, err
	}
	defer p.mu.Unlock()
	mark, err := p.o.Store.Mark(ctx)
	if err != nil {
		return order.Facts{}, err
	}
	catalog, err := p.o.Catalog(ctx)
	if err != nil {
		return order.Facts{}, err
	}
	facts, err := read()
	if err != nil {
		return facts, err
	}
	listing := order.Listing{Orders: []order.Facts{facts}}
	normalize(&listing, nil, time.Now())
	p.addBounties(ctx, &listing)
	sum, err := p.o.Store.Apply(order.Batch{Listing: listing, Mark: mark, Decide: catalog.Decide, Vanished: catalog.Vanished, Foreign: p.o.Foreign})
	if err == nil && sum.New+sum.Changed > 0 {
		p.o.Log.Debug("order read", "order", id, "status", facts.Status)
	}
	if err == nil && sum.Busy > 0 {
		p.lookLater(id)
	}
	return facts, err
}

// busyRetry is the least time until an order is read again in which the daemon was
// acting when an event named it.
const busyRetry = 2 * time.Second

// lookLater reads an order again soon. Otherwise only the next poll would notice what
// the client did, and polls are slow while webhooks arrive.
func (p *Poller) lookLater(id string) {
	time.AfterFunc(max(busyRetry, p.pace.Load().Debounce), func() {
		p.hintMu.Lock()
		p.hints.orders[id] = true
		p.hintMu.Unlock()
		select {
		case p.event <- struct{}{}:
		default:
		}
	})
}

// unannounced stops relying on webhooks if a poll found a change by the client that
// no event had announced since the poll before.
func (p *Poller) unannounced(moved []string, before time.Time) {
	p.hintMu.Lock()
	defer p.hintMu.Unlock()
	for id, at := range p.hints.announced {
		if at.Before(before) {
			delete(p.hints.announced, id)
		}
	}
	if p.hints.alive.IsZero() {
		return
	}
	for _, id := range moved {
		if _, ok := p.hints.announced[id]; !ok {
			p.o.Log.Warn("a change came without a webhook; polling returns to its interval", "order", id)
			p.hints.alive = time.Time{}
			return
		}
	}
}
