package budget

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"atelierd/internal/order"
)

// This file is how agents on one address count together. What is shared is read before
// each decision, and written with it in one transaction.

// Share is the count that agents on one address keep together.
type Share interface {
	// Update reads what is shared, has f change it, and writes it, all in one transaction.
	// If f returns an error nothing is written. f is called at most once.
	Update(ctx context.Context, f func(*Common) error) error
	// Read reads what is shared.
	Read(ctx context.Context) (Common, error)
}

// Common is what agents on one address share.
type Common struct {
	// ID changes when the count was begun again, so that what was counted before is lost.
	ID      string
	Windows map[string]CommonWindow // by scope
	// Counts is what has been learned, as order.FactCounts has it, and Learned when that
	// was last forgotten.
	Counts  string
	Learned time.Time
	// Probed is the end of the window that was probed. The answer to the probe is waited
	// for until Probing.
	Probed, Probing time.Time
	// Self is who reads, and Others are the other agents. Only Self is written.
	Self   Agent
	Others []Agent
}

// CommonWindow is a window with the request whose answer sets its end, or "".
type CommonWindow struct {
	order.Window
	Anchor string
}

// Agent is one of the agents on an address.
type Agent struct {
	// ID is that of its ledger.
	ID string
	About
	// Seen is when it last wrote. Beat is when its daemon last showed that it runs; zero
	// once it has stopped.
	Seen, Beat time.Time
	// Polled is its last poll; zero for none.
	Polled time.Time
	// Due is how many deliveries could be sent now, and Sends how many requests besides
	// polls it needs or expects to need in this window, with Due.
	Due, Sends int
	// Used is what it has used of each window, by scope.
	Used map[string]int
}

// About is what the owner sees of an agent.
type About struct {
	Name string
	// Socket is where its daemon answers, and Console where browsers find it; empty for
	// nowhere.
	Socket, Console string
	// Open is how many orders have not ended, and Needs how many things wait for the owner.
	// Stopped: it earns nothing.
	Open, Needs int
	Stopped     bool
}

const (
	// BeatEvery is how often a daemon shows that it runs.
	BeatEvery = 30 * time.Second
	// aliveFor is how long an agent counts as running after its last beat. What it needs is
	// kept for it as long.
	aliveFor = 100 * time.Second
	// shareAgain is how long a share that has failed is not tried again.
	shareAgain = 10 * time.Second
	// shareWithin is how long what is shared may take where nobody waits for the answer.
	shareWithin = 10 * time.Second
)

// Alive reports whether the agent's daemon has shown lately that it runs.
func (a Agent) Alive(now time.Time) bool {
	return !a.Beat.IsZero() && now.Sub(a.Beat).Abs() < aliveFor
}

// sharing is the state of a budget that counts together with other agents. Its zero value
// counts alone.
type sharing struct {
	share  Share
	id     string         // of what was last read
	known  bool           // when it was first read, this agent was in it
	self   Agent          // as it was last read, with what was counted since
	others []Agent        // those that run
	missed map[string]int // counted while the share failed, by scope
	failed error          // why the share failed when it was last tried
	again  time.Time      // when it is tried again
}

// ShareError returns why the count is not shared at the moment, or nil.
func (b *Budget) ShareError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// Beat shows the other agents that this one runs, what it needs, and about it.
func (b *Budget) Beat(ctx context.Context, about About) error {
	return b.show(ctx, about, time.Now())
}

// Leave shows the other agents that this one has stopped and needs nothing.
func (b *Budget) Leave(ctx context.Context, about About) error {
	return b.show(ctx, about, time.Time{})
}

func (b *Budget) show(ctx context.Context, about About, beat time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.share == nil {
		return nil
	}
	b.again = time.Time{}
	err := b.together(ctx, func() error {
		if b.failed != nil {
			return nil
		}
		b.self.About, b.self.Beat = about, beat
		if beat.IsZero() {
			b.self.Due, b.self.Sends = 0, 0
			return nil
		}
		return b.readNeeds(ctx, beat)
	})
	return errors.Join(err, b.failed)
}

// readNeeds reads from the ledger what this agent needs.
func (b *Budget) readNeeds(ctx context.Context, now time.Time) error {
	due, err := b.ledger.DueDeliveries(ctx)
	if err != nil {
		return err
	}
	b.self.Due = max(due, len(b.begun))
	all := b.current(order.ScopeAll, now)
	if all.EndsAt.IsZero() {
		all.StartedAt = now
	}
	d, err := b.demand(ctx, all)
	if err != nil {
		return err
	}
	d.others = 0
	p := pace{window: b.limits.Window, elapsed: now.Sub(all.StartedAt)}
	b.self.Sends = max(b.self.Due, p.keep(d))
	return nil
}

// together reads what is counted, calls f, and writes what f has changed of what is
// shared. If that cannot be used, this agent counts alone. The caller holds the lock.
func (b *Budget) together(ctx context.Context, f func() error) error {
	if b.share == nil {
		return b.alone(ctx, f)
	}
	now := time.Now()
	if b.failed != nil && now.Before(b.again) {
		return b.alone(ctx, f)
	}
	var inner error
	called := false
	var before map[string]int
	err := b.share.Update(ctx, func(c *Common) error {
		called = true
		b.load(c, now)
		before = maps.Clone(b.self.Used)
		if inner = f(); inner == nil {
			b.save(c, now)
		}
		return inner
	})
	switch {
	case inner != nil:
		return inner
	case err == nil:
		clear(b.missed)
		return nil
	}
	b.shareFailed(err, now)
	if !called {
		return b.alone(ctx, f)
	}
	for scope, n := range b.self.Used { // it is counted in the ledger, and added to what is shared later
		b.missed[scope] += max(n-before[scope], 0)
	}
	return nil
}

// alone calls f on what the ledger has counted.
func (b *Budget) alone(ctx context.Context, f func() error) error {
	if err := b.refresh(ctx); err != nil {
		return err
	}
	return f()
}

// look reads what is counted.
func (b *Budget) look(ctx context.Context) error {
	if now := time.Now(); b.share != nil && (b.failed == nil || !now.Before(b.again)) {
		c, err := b.share.Read(ctx)
		if err == nil {
			b.load(&c, now)
			return nil
		}
		b.shareFailed(err, now)
	}
	return b.refresh(ctx)
}

// lookAround reads what other agents have counted, if there may be others.
func (b *Budget) lookAround(ctx context.Context) {
	if b.share != nil {
		b.keep(b.look(ctx))
	}
}

func (b *Budget) shareFailed(err error, now time.Time) {
	b.failures.Failed(b.log, "the shared count of requests cannot be used; this agent counts alone", err)
	b.failed, b.again, b.others = err, now.Add(shareAgain), nil
}

// load takes over what is shared.
func (b *Budget) load(c *Common, now time.Time) {
	b.failures.Recovered(b.log, "the shared count of requests is used again")
	b.merge(c, now)
	if b.id == "" {
		b.known = !c.Self.Seen.IsZero()
	}
	b.failed, b.id = nil, c.ID
	for scope, w := range c.Windows {
		b.windows[scope] = &window{Window: w.Window, anchor: w.Anchor}
	}
	b.counts = c.Counts
	if !c.Learned.IsZero() {
		b.learned = c.Learned
	}
	b.probe = probe{windowEnd: c.Probed, until: c.Probing}
	b.self = c.Self
	b.self.Used = maps.Clone(c.Self.Used)
	if b.self.Used == nil {
		b.self.Used = map[string]int{}
	}
	b.others = b.others[:0]
	for _, a := range c.Others {
		if a.Alive(now) {
			b.others = append(b.others, a)
		}
	}
}

// merge adds to what is shared what this agent has counted without it: before its first
// use, while it failed, and before it was lost.
func (b *Budget) merge(c *Common, now time.Time) {
	unknown := c.ID != b.id
	if !unknown && b.failed == nil {
		return
	}
	for scope, mine := range b.windows {
		there, ok := c.Windows[scope]
		there.Scope = scope
		there.BlockedUntil = later(there.BlockedUntil, mine.BlockedUntil)
		if mine.Limit > 0 && (there.Limit == 0 || mine.Limit < there.Limit) {
			there.Limit = mine.Limit
		}
		switch {
		case !now.Before(mine.EndsAt): // it is over
		case !ok || !now.Before(there.EndsAt):
			there.Window, there.Anchor = mine.Window, ""
		case unknown && mine.StartedAt.Sub(there.StartedAt).Abs() < time.Second:
			there.Used = max(there.Used, mine.Used)
		case unknown:
			// They were counted apart, and at the marketplace together.
			there.Used += mine.Used
			there.EndsAt = later(there.EndsAt, mine.EndsAt)
		default:
			there.Used += b.missed[scope]
		}
		c.Windows[scope] = there
	}
	if c.Counts == "" && c.Learned.IsZero() {
		c.Counts = b.counts
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// save puts what this agent has counted and learned into what is shared.
func (b *Budget) save(c *Common, now time.Time) {
	for scope, w := range b.windows {
		c.Windows[scope] = CommonWindow{w.Window, w.anchor}
	}
	c.Counts, c.Learned = b.counts, b.learned
	c.Probed, c.Probing = b.probe.windowEnd, b.probe.until
	b.self.Seen = now
	c.Self = b.self
}

// use counts a request of this agent in a scope.
func (b *Budget) use(scope string) {
	if b.share == nil {
		return
	}
	if b.failed != nil {
		b.missed[scope]++
	}
	if b.self.Used == nil {
		b.self.Used = map[string]int{}
	}
	b.self.Used[scope]++
}

// unuse takes back what use has counted.
func (b *Budget) unuse(scope string) {
	if b.share == nil {
		return
	}
	if b.failed != nil {
		b.missed[scope]--
	}
	b.self.Used[scope]--
}

// begins forgets what agents have used of the window before.
func (b *Budget) begins(scope string) {
	delete(b.missed, scope)
	delete(b.self.Used, scope)
	for i := range b.others {
		b.others[i].Used = maps.Clone(b.others[i].Used)
		delete(b.others[i].Used, scope)
	}
}

// anchorOf names a request of this agent among those of all.
func (b *Budget) anchorOf(id int64) string { return b.self.ID + "/" + strconv.FormatInt(id, 10) }
