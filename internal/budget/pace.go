package budget

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Demand is what the requests of a window are needed for besides polling.
type Demand struct {
	// PendingSends is the number of unfinished jobs, each of an upload and a delivery.
	PendingSends int
	// Placed is the number of orders placed in this window so far, and Before
	// in the time of one window before it.
	Placed int
	Before int
}

// PollDelay says how long to wait before the next poll, at least interval. With
// a count for each call that is all. Under a shared count a poll takes what a
// delivery may need, so polls are spread over what is left of the window after
// the reserve, the work that is owed and the work that is to be expected.
func (b *Budget) PollDelay(ctx context.Context, interval time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	_, wait, err := b.allowed(ctx, order.RequestPoll, now)
	if err != nil || wait > 0 {
		return max(wait, interval)
	}
	all := b.current(scopeAll, now)
	if b.counts == countsApart || all.EndsAt.IsZero() {
		return interval
	}
	demand, err := b.demand(ctx, all)
	if err != nil {
		return interval
	}
	left := b.ceiling(order.RequestPoll, b.current(string(order.RequestPoll), now)) - all.Used
	return pace(interval, b.limits.Window, now.Sub(all.StartedAt), left, b.limits.Reserve, demand)
}

func (b *Budget) demand(ctx context.Context, all order.Window) (d Demand, err error) {
	if _, d.PendingSends, err = b.ledger.PendingSends(ctx); err != nil {
		return d, err
	}
	if d.Placed, err = b.ledger.OrdersSince(ctx, all.StartedAt); err != nil {
		return d, err
	}
	both, err := b.ledger.OrdersSince(ctx, all.StartedAt.Add(-b.limits.Window))
	d.Before = both - d.Placed
	return d, err
}

// longestGap is the longest time between polls that are not slower by the
// owner's wish: an order is found, and a cancelled one noticed, in time.
func longestGap(window time.Duration) time.Duration { return window / 4 }

// pace spreads polls over the rest of a window of which elapsed has passed and
// left requests remain. It never waits longer than longestGap, unless the interval is.
func pace(interval, window, elapsed time.Duration, left, reserve int, d Demand) time.Duration {
	elapsed = min(max(elapsed, 0), window)
	rest := window - elapsed
	// The busier of this window and the one before says what is to come. The
	// first orders of a rush say little of it: one more is taken to be there.
	soFar := d.Placed
	if soFar > 0 {
		soFar++
	}
	now := float64(soFar) / float64(max(elapsed, window/12))
	before := float64(d.Before) / float64(window)
	expected := max(now, before) * float64(rest)
	keep := max(reserve, int(2*(float64(d.PendingSends)+expected)))
	spare := left - keep
	longest := max(interval, longestGap(window))
	if spare <= 0 {
		return longest
	}
	return min(max(interval, rest/time.Duration(spare+1)), longest)
}
