package budget

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// demand is what a window needs requests for besides polling.
type demand struct {
	// pending is the number of unfinished jobs.
	pending int
	// spared is the part of the orders that need no upload besides their delivery.
	spared float64
	// placed is the number of orders placed in this window so far. before is the
	// number placed in one window's time before it.
	placed int
	before int
	// others is what the other agents on the address need besides polls.
	others int
}

// PollDelay returns how long to wait before the next poll, at least interval. With
// separate counts it is the interval. Under a shared count a poll takes a request
// that a delivery may need, so polls are spread over the requests that remain after
// the reserve, the pending work and the expected work.
func (b *Budget) PollDelay(ctx context.Context, interval time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.lookAround(ctx)
	_, wait, err := b.allowed(ctx, order.RequestPoll, now)
	all := b.current(order.ScopeAll, now)
	if err != nil || b.counts == order.CountsSeparate || all.EndsAt.IsZero() {
		return max(wait, interval)
	}
	d, err := b.demand(ctx, all)
	switch {
	case err != nil:
		return max(wait, interval)
	case wait > 0 && d.announced(interval, b.limits.Window):
		return max(wait, interval, min(rareGap(b.limits.Window), until(all, now, b.limits.Window)))
	case wait > 0:
		return max(wait, interval)
	}
	left := b.ceiling(order.RequestPoll, b.current(string(order.RequestPoll), now)) - all.Used
	return pace{
		interval: interval, window: b.limits.Window, elapsed: now.Sub(all.StartedAt), left: left,
		reserve: b.limits.Reserve, agents: 1 + len(b.others),
	}.delay(d)
}

// longestGap is the longest time between polls of this agent, unless the owner's interval
// is longer. The more agents share the window, the longer it is, up to a window.
func (b *Budget) longestGap() time.Duration {
	return min(longestGap(b.limits.Window)*time.Duration(1+len(b.others)), b.limits.Window)
}

// Kept returns how many of the requests of the shared window are left to deliveries and
// other sends, of how many polls may use. Both are zero with separate counts.
func (b *Budget) Kept(ctx context.Context) (kept, of int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.lookAround(ctx)
	all := b.current(order.ScopeAll, now)
	if b.counts == order.CountsSeparate {
		return 0, 0
	}
	of = b.ceiling(order.RequestPoll, b.current(string(order.RequestPoll), now))
	if all.EndsAt.IsZero() {
		return min(b.limits.Reserve, of), of
	}
	d, err := b.demand(ctx, all)
	if err != nil {
		return min(b.limits.Reserve, of), of
	}
	p := pace{window: b.limits.Window, elapsed: now.Sub(all.StartedAt), reserve: b.limits.Reserve}
	return min(p.keep(d), max(of-all.Used, 0)), of
}

func (b *Budget) demand(ctx context.Context, all order.Window) (d demand, err error) {
	if _, d.pending, err = b.ledger.PendingSends(ctx); err != nil {
		return d, err
	}
	if d.placed, err = b.ledger.OrdersSince(ctx, all.StartedAt); err != nil {
		return d, err
	}
	both, err := b.ledger.OrdersSince(ctx, all.StartedAt.Add(-b.limits.Window))
	d.before = both - d.placed
	if err != nil {
		return d, err
	}
	uploads, deliveries, err := b.ledger.SentSince(ctx, all.StartedAt.Add(-b.limits.Window))
	d.spared = spared(uploads, deliveries)
	for _, o := range b.others {
		d.others += o.Sends
	}
	return d, err
}

// spared returns the part of the orders that need no upload, after what was sent in this
// window and the one before. Only deliveries that mostly had none show that uploads are
// gone: files lie at addresses of the owner's own.
func spared(uploads, deliveries int) float64 {
	if deliveries < 2 || 2*uploads > deliveries {
		return 0
	}
	return 1 - float64(uploads)/float64(deliveries)
}

// longestGap is the longest time between polls, unless the owner's interval is
// longer. It makes sure that a new or a cancelled order is noticed in time.
func longestGap(window time.Duration) time.Duration { return window / 4 }

// rareGap takes the place of longestGap where each poll costs a delivery, because uploads
// are gone, while webhooks announce orders.
func rareGap(window time.Duration) time.Duration { return window / 2 }

// announced reports whether polls may come at the rareGap. The interval is that long only
// while webhooks are relied on, or if the owner wants it.
func (d demand) announced(interval, window time.Duration) bool {
	return d.spared > 0 && interval >= longestGap(window)
}

// pace is where a window stands when the next poll is planned.
type pace struct {
	interval, window, elapsed time.Duration
	left                      int // requests left in the window
	reserve                   int // requests that polls leave to others
	agents                    int // that poll from the window; 0 is one
}

// delay returns the time between polls that spreads the spare requests over the
// rest of the window. It is at least the interval, and at most longestGap unless the
// interval is longer.
func (p pace) delay(d demand) time.Duration {
	spare := p.left - p.keep(d)
	agents := time.Duration(max(p.agents, 1))
	gap := longestGap(p.window)
	if d.announced(p.interval, p.window) {
		gap = rareGap(p.window)
	}
	longest := max(p.interval, min(gap*agents, p.window))
	if spare <= 0 {
		return longest
	}
	return min(max(p.interval, p.rest()*agents/(time.Duration(spare)+agents)), longest)
}

func (p pace) rest() time.Duration { return p.window - min(max(p.elapsed, 0), p.window) }

// keep returns how many of the requests that are left belong to other calls than polls.
func (p pace) keep(d demand) int {
	rest := p.rest()
	elapsed := p.window - rest
	// The busier of this window and the one before predicts the rest. One more order
	// is added, because the first orders of a rush show little of it.
	soFar := d.placed
	if soFar > 0 {
		soFar++
	}
	now := float64(soFar) / float64(max(elapsed, p.window/12))
	before := float64(d.before) / float64(p.window)
	expected := max(now, before) * float64(rest)
	return max(p.reserve, d.others+int((2-d.spared)*(float64(d.pending)+expected)))
}
