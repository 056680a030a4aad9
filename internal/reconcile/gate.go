package reconcile

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/order"
)

// Gate keeps new work waiting until the ledger was compared with the marketplace, and
// while somebody else works as this agent. It is safe for concurrent use.
type Gate struct {
	polled chan struct{} // has an element after a poll of every status
	held   func() error
	// verbatim: the marketplace has shown our files under the addresses that we sent.
	verbatim atomic.Bool

	mu      sync.Mutex
	open    bool
	opened  time.Time      // when it last opened; zero before that
	since   time.Time      // of the first work that waits; zero for none
	listing map[string]row // of the last poll, by id, while the gate is shut
	more    bool           // another part of the listing follows
	// second is why nothing new begins although the ledger was compared: somebody else
	// works as this agent.
	second string
	// unread are the orders that were not compared, because they cannot be read.
	unread map[string]bool
}

// NewGate returns a gate that is shut. held returns nil while this host may
// work as the agent; a nil function is always.
func NewGate(held func() error) *Gate {
	return &Gate{held: held, polled: make(chan struct{}, 1), unread: map[string]bool{}}
}

// retryAfter is the longest time that work waits for the comparison if nothing ends the
// wait before.
const retryAfter = time.Minute

// secondRetry is the longest time that work waits for the owner to stop a second daemon.
const secondRetry = 10 * time.Minute

// Work is Ready for a job. An order of a restored ledger that cannot be read is held
// until it can be, or until the owner retries it.
func (g *Gate) Work(j order.Job) error {
	if err := g.Ready(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.unread[j.OrderID] || j.ByOwner {
		return nil
	}
	return order.Failf(order.Hold, order.CodeUncompared,
		"the ledger was restored, and the marketplace does not show what was done on the order since").
		WithHint("it resumes once the marketplace shows it; or look at the order there, then %s", order.Command("orders retry", j.OrderID))
}

// setUnread holds the work of an order back, or lets it begin.
func (g *Gate) setUnread(id string, unread bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if unread {
		g.unread[id] = true
		return
	}
	delete(g.unread, id)
}

// unreadOrders returns the orders that are held back, sorted.
func (g *Gate) unreadOrders() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.unread))
}

// Ready is nil once the ledger was compared with the marketplace, unless a second daemon
// works as this agent or another host may. Else it is a failure of class Wait.
func (g *Gate) Ready() error {
	if g.held != nil {
		if err := g.held(); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open && g.second != "":
		return &order.Failure{
			Class: order.Wait, Code: order.CodeSecondDaemon, After: secondRetry,
			Err: errors.New("somebody else works as this agent"),
		}
	case g.open:
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
	g.open, g.listing, g.since, g.opened = true, nil, time.Time{}, time.Now()
}

// Opened returns when the ledger was last compared with the marketplace; zero before that.
// An older copy of the folder may have been put back before that without a trace, so what
// the marketplace does not show may have been done.
func (g *Gate) Opened() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}

// Stop keeps new work waiting because somebody else works as this agent. An empty
// reason lets it begin again. It reports whether that changes anything.
func (g *Gate) Stop(why string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.second != why
	g.second = why
	return changes
}

// watches reports whether the ledger has all of its own acts and nobody else is known
// to work as this agent.
func (g *Gate) watches() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open && g.second == ""
}

// shows notes whether an order shows files under the addresses that we sent.
func (g *Gate) shows(r order.Record, f order.Facts) {
	if slices.ContainsFunc(f.Deliverables, func(file string) bool { return slices.Contains(r.Sent, file) }) {
		g.verbatim.Store(true)
	}
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

// drop forgets the row of an order.
func (g *Gate) drop(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.listing, id)
}
