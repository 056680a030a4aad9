package budget

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
)

// This file is what requests leave to more important ones, of this agent and of others.

// yielding reports whether requests of the kind leave what is left to deliveries.
func yielding(call order.RequestKind) bool {
	switch call {
	case order.RequestUpload, order.RequestQuote, order.RequestMessage, order.RequestPoll, order.RequestPayout:
		return true
	}
	return false
}

// yields returns how long call must wait so that the rest of a shared window is
// left for deliveries.
func (b *Budget) yields(ctx context.Context, call order.RequestKind, left int, all order.Window, now time.Time) (time.Duration, error) {
	if !yielding(call) {
		return 0, nil
	}
	delivering, _, err := b.ledger.PendingSends(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the pending deliveries: %w", err)
	}
	switch {
	case call != order.RequestPoll && left <= max(delivering, len(b.begun)):
		// The requests that are left are needed for deliveries. An upload earns
		// nothing before its delivery, and quotes and messages can wait. Uploads
		// under way are not in the ledger yet, so begun counts them.
		return min(until(all, now, b.limits.Window), time.Minute), nil
	case call == order.RequestPoll && left <= b.limits.Reserve && all.Used > 0 && delivering == 0:
		// Polls take from the reserve only as often as longestGap needs. With a
		// delivery pending this may be the look before it, and must not wait.
		rest := b.polled.Add(b.longestGap()).Sub(now)
		return max(min(rest, until(all, now, b.limits.Window)), 0), nil
	}
	return 0, nil
}

// leaves returns how long call must wait so that other agents get what they need of the
// window w, of which left requests are left of ceiling.
//
// The part of each running agent is the same. One that has used its part leaves to the
// others what they need of theirs, and what nobody needs is for everybody. Deliveries go
// before all else: a poll leaves what deliveries of others need now, and so do uploads,
// quotes and messages, as far as those deliveries are within the part of their agent.
// The first poll of an agent in a window is no less than an upload, because an agent that
// does not poll finds no work.
func (b *Budget) leaves(call order.RequestKind, left, ceiling int, w order.Window, now time.Time) time.Duration {
	if len(b.others) == 0 || w.EndsAt.IsZero() {
		return 0
	}
	part := max(ceiling/(len(b.others)+1), 1)
	over := b.self.Used[w.Scope] >= part
	again := call == order.RequestPoll && !b.self.Polled.Before(w.StartedAt)
	kept := 0
	for _, o := range b.others {
		room := max(part-o.Used[w.Scope], 0)
		claim := min(o.claim(w, now), room)
		switch {
		case over && yielding(call):
			kept += max(o.Due, claim)
		case over:
			kept += claim
		case again:
			kept += o.Due
		case yielding(call):
			kept += min(o.Due, room)
		}
	}
	if left > kept {
		return 0
	}
	return min(until(w, now, b.limits.Window), time.Minute)
}

// claim returns how many requests of a scope's window the agent may still need. What it
// cannot send now counts less towards the end of the window, so that nothing is kept in
// vain: the next window is near.
func (a Agent) claim(w order.Window, now time.Time) int {
	soon := max(a.Sends-a.Due, 0)
	if length := w.EndsAt.Sub(w.StartedAt); length > 0 {
		soon = int(float64(soon) * max(w.EndsAt.Sub(now).Seconds(), 0) / length.Seconds())
	}
	if a.Polled.Before(w.StartedAt) {
		soon++ // without a poll it finds no work
	}
	return a.Due + soon
}
