package intake

import (
	"context"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file is what webhooks do to polling. An event is only a hint: it makes
// one order be read, or a poll come sooner, never more than the budget allows.
// Events that keep coming slow polling down to a safety net; a change that no
// event told of speeds it up again.

// maxPending bounds the orders that events named since the last look; beyond it
// one poll is cheaper.
const maxPending = 100

// hints is what events have asked for. The Poller's hintMu guards it.
type hints struct {
	poll      bool
	orders    map[string]bool // to be read one by one
	threads   map[string]bool
	announced map[string]time.Time // when an event last named the order
	alive     time.Time            // of the last event; zero when they went silent
}

// Event tells the poller what a webhook said: the event's name, and the order,
// if it names one. It returns at once.
func (p *Poller) Event(name, orderID string) {
	p.hintMu.Lock()
	now := time.Now()
	if p.hints.alive.IsZero() {
		p.o.Log.Info("webhooks arrive; polling slows down to a safety net", "interval", p.slowest().String())
	}
	p.hints.alive = now
	switch {
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

// Alive says whether webhooks are relied upon, and when the last one came.
func (p *Poller) Alive() (alive bool, last time.Time) {
	p.hintMu.Lock()
	defer p.hintMu.Unlock()
	last = p.hints.alive
	return !last.IsZero() && time.Since(last) < p.o.Trust, last
}

// interval is the time between polls: the owner's, or the safety net's as long
// as webhooks are alive.
func (p *Poller) interval() time.Duration {
	if alive, _ := p.Alive(); alive {
		return p.slowest()
	}
	return p.o.Interval
}

func (p *Poller) slowest() time.Duration { return max(p.o.Interval, p.o.SafetyInterval) }

// take empties the hints.
func (p *Poller) take() (poll bool, orders, threads []string) {
	p.hintMu.Lock()
	defer p.hintMu.Unlock()
	poll = p.hints.poll
	for id := range p.hints.orders {
		orders = append(orders, id)
	}
	for id := range p.hints.threads {
		threads = append(threads, id)
	}
	p.hints.poll, p.hints.orders, p.hints.threads = false, map[string]bool{}, map[string]bool{}
	return poll, orders, threads
}

// follow does what the events have hinted at, and says whether a poll is needed.
func (p *Poller) follow(ctx context.Context) (poll bool) {
	poll, orders, threads := p.take()
	for _, id := range threads {
		p.noteErr(p.o.Store.ReadThread(id))
	}
	for _, id := range orders {
		if poll {
			break // it shows them all
		}
		poll = p.look(ctx, id) != nil
	}
	return poll
}

// look reads one order, which the deployed marketplace does not count, and
// applies what it says. An error means that only a poll can tell.
func (p *Poller) look(ctx context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark, err := p.o.Store.Mark(ctx)
	if err != nil {
		return err
	}
	catalog, err := p.o.Catalog(ctx)
	if err != nil {
		return err
	}
	facts, err := p.o.Market.Order(ctx, id)
	if err != nil {
		return err
	}
	listing := order.Listing{Orders: []order.Facts{facts}}
	mend(&listing, time.Now())
	sum, err := p.o.Store.Apply(order.Batch{Listing: listing, Mark: mark, Decide: catalog.Decide, Vanished: catalog.Vanished})
	if err == nil && sum.New+sum.Changed > 0 {
		p.o.Log.Info("an order was looked at", "order", id, "status", facts.Status)
	}
	return err
}

// unannounced ends the trust in webhooks when a poll found a move of the
// client's that no event had told of since the poll before.
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
		if _, told := p.hints.announced[id]; !told {
			p.o.Log.Warn("webhooks have gone silent; polling goes at its own rhythm again", "order", id)
			p.hints.alive = time.Time{}
			return
		}
	}
}
