package reconcile

import (
	"errors"
	"sync"
	"time"

	"atelierd/internal/order"
)

// Gate keeps new work waiting until the ledger was compared with the marketplace. It is
// safe for concurrent use.
type Gate struct {
	polled chan struct{} // has an element after a poll of every status

	mu      sync.Mutex
	open    bool
	since   time.Time      // of the first work that waits; zero for none
	listing map[string]row // of the last poll, by id, while the gate is shut
	more    bool           // the listing goes on
}

// NewGate returns a gate that is shut.
func NewGate() *Gate { return &Gate{polled: make(chan struct{}, 1)} }

// retryAfter is the longest time that work waits for the comparison if nothing ends the
// wait before.
const retryAfter = time.Minute

// Ready is nil once the ledger was compared with the marketplace. Before that it is a
// failure of class Wait.
func (g *Gate) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return nil
	}
	if g.since.IsZero() {
		g.since = time.Now()
	}
	// At first for a moment: the comparison may end before the wait is committed.
	after := min(max(time.Since(g.since), time.Second), retryAfter)
	return &order.Failure{
		Class: order.Wait, Code: order.CodeChecking, After: after,
		Err: errors.New("the ledger is compared with the marketplace first"),
	}
}

// Polled takes a part of a listing of the marketplace. While the gate is shut, the end
// of one of every status begins the comparison.
func (g *Gate) Polled(l order.Listing, complete bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open || !complete {
		return
	}
	if !g.more {
		g.listing = map[string]row{}
	}
	g.more = l.More
	for i := range l.Orders {
		if f := &l.Orders[i]; !f.Status.Ended() {
			g.listing[f.ID] = rowOf(f)
		}
	}
	if !l.More {
		g.hasPolled()
	}
}

func (g *Gate) hasPolled() {
	select {
	case g.polled <- struct{}{}:
	default:
	}
}

func (g *Gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *Gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
}

func (g *Gate) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.listing, g.since = true, nil, time.Time{}
}

// listed returns what the last listing shows of an order, as far as it is compared with
// the ledger, or the zero value.
func (g *Gate) listed(id string) order.Facts {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r, ok := g.listing[id]; ok {
		return r.over(order.Facts{ID: id})
	}
	return order.Facts{}
}
