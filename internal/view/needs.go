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
	// Order is nil for what is about no order, and for all but the first OrdersOfNeeds.
	Order *Line
}

// OrdersOfNeeds is how many of the most urgent needs come with their orders. A thousand
// orders that wait would have to be read for each page otherwise.
const OrdersOfNeeds = 20

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
	case !n.OfOrder() || n.Code == order.CodePayoutFailed:
		return UrgentMachine
	case slices.Contains([]order.Code{order.CodeQuoteNeeded, order.CodeQuoteBounds, order.CodeProposalBounds, order.CodeNoPrice}, n.Code):
		return UrgentPrice
	}
	return UrgentDeadline
}

// Due is when it has to be done; zero if nothing says so.
func (n Need) Due() time.Time {
	if n.Urgency() != UrgentDeadline {
		return time.Time{}
	}
	return n.due
}

// needs puts what needs the owner in order, the most urgent first: by deadline, then clients
// that wait for an answer, then for a price, then machinery, and of those what has waited
// longest. It reads the orders of the first ones.
func (r reading) needs(ctx context.Context, list []Attention) ([]Need, error) {
	needs := make([]Need, len(list))
	for i, a := range list {
		needs[i].Attention = a
	}
	slices.SortStableFunc(needs, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Urgency(), b.Urgency()), a.Due().Compare(b.Due()), a.Since.Compare(b.Since))
	})
	first := needs[:min(len(needs), OrdersOfNeeds)]
	var ids []string
	for _, n := range first {
		if n.OfOrder() {
			ids = append(ids, n.ID)
		}
	}
	lines, err := r.store.Lines(ctx, ids)
	for _, l := range lines {
		line := r.line(l)
		for i, n := range first {
			if n.OfOrder() && n.ID == l.ID {
				first[i].Order = &line
			}
		}
	}
	return needs, err
}

// OfOrder reports whether it is about an order, whose id it has.
func (a Attention) OfOrder() bool {
	return slices.Contains([]string{"order", "piece", "message", "thread"}, a.What)
}
