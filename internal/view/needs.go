package view

import (
	"cmp"
	"context"
	"slices"
	"time"

	"atelierd/internal/order"
)

// Need is something that needs the owner, with the order that it is about.
type Need struct {
	Attention
	// Order is nil for what is about no order.
	Order *Line
}

// Urgency is why a need comes before another.
type Urgency int

// The urgencies, the most urgent first.
const (
	UrgentDeadline Urgency = iota // an order waits, and has a deadline
	UrgentClient                  // a client waits for an answer
	UrgentPrice                   // a client waits for a price
	UrgentMachine                 // anything else
)

// Urgency returns why the need comes before others.
func (n Need) Urgency() Urgency {
	switch {
	case n.What == "thread" || n.What == "message":
		return UrgentClient
	case n.Order == nil || n.Code == order.CodePayoutFailed:
		return UrgentMachine
	case slices.Contains([]order.Code{order.CodeQuoteNeeded, order.CodeQuoteBounds, order.CodeNoPrice}, n.Code):
		return UrgentPrice
	}
	return UrgentDeadline
}

// Due is when it has to be done; zero if nothing says so.
func (n Need) Due() time.Time {
	if n.Order == nil || n.Urgency() != UrgentDeadline {
		return time.Time{}
	}
	return n.Order.DueAt
}

// needs reads the orders of what needs the owner, and puts the most urgent first: by
// deadline, then clients that wait for an answer, then for a price, then machinery, and of
// those what has waited longest.
func (r reading) needs(ctx context.Context, list []Attention) ([]Need, error) {
	var ids []string
	for _, a := range list {
		if a.ofOrder() {
			ids = append(ids, a.ID)
		}
	}
	lines, err := r.store.Lines(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]*Line{}
	for _, l := range lines {
		line := r.line(l)
		byID[l.ID] = &line
	}
	needs := make([]Need, len(list))
	for i, a := range list {
		if needs[i].Attention = a; a.ofOrder() {
			needs[i].Order = byID[a.ID]
		}
	}
	slices.SortStableFunc(needs, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Urgency(), b.Urgency()), a.Due().Compare(b.Due()), a.Since.Compare(b.Since))
	})
	return needs, nil
}

// ofOrder reports whether the id is that of an order.
func (a Attention) ofOrder() bool {
	return slices.Contains([]string{"order", "piece", "message", "thread"}, a.What)
}
