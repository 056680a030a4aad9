package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// narrowMost is how many orders one page of a narrow list looks at.
const narrowMost = 1000

// Group is a group of orders, as an owner thinks of them. OrderCounts counts them.
type Group string

// The groups of orders that have not ended. None has those that the owner has cancelled.
const (
	GroupOpen       Group = "open"
	GroupNeedYou    Group = "need you"
	GroupWithClient Group = "with the client"
)

// Narrow are conditions that no index has. A page of such a list looks at a limited number
// of orders.
type Narrow struct {
	Group     Group     // "" is any
	Service   string    // the title; "" is any
	Generator string    // that was called for the order; "" is any
	Since     time.Time // the earliest creation; zero is any
}

// narrowed returns a list, or a search, that has only the orders that q.Narrow allows.
func (s *Store) narrowed(find func(context.Context, OrderQuery) ([]string, OrderPage, error)) func(context.Context, OrderQuery) ([]string, OrderPage, error) {
	return func(ctx context.Context, q OrderQuery) ([]string, OrderPage, error) {
		wide := q
		wide.Most = narrowMost
		if q.Text != "" {
			wide.Most = searchMost / 2 // the texts of an order count each
		}
		ids, p, err := find(ctx, wide)
		if err != nil {
			return nil, p, err
		}
		if len(ids) > wide.Most {
			ids = ids[:wide.Most]
			p.Next, p.Partial = ids[wide.Most-1], true
		}
		ids, earlier, err := s.choose(ctx, q.Narrow, ids)
		if earlier && q.Text == "" {
			p.Next, p.Partial = "", false // the list is by the time of creation
		}
		return ids, p, err
	}
}

// choose returns those of the orders that n allows, in their order. earlier reports whether
// the last one was created before n.Since.
func (s *Store) choose(ctx context.Context, n Narrow, ids []string) (chosen []string, earlier bool, err error) {
	since := ""
	if !n.Since.IsZero() {
		value, err := utc.At(n.Since).Value()
		if err != nil {
			return nil, false, err
		}
		since, _ = value.(string) // it is one
	}
	rows, err := s.read.Narrowed(ctx, query.NarrowedParams{
		Service: n.Service, Since: since, Orders: string(n.Group), Generator: n.Generator, Ids: order.EncodeStrings(ids),
	})
	if err != nil || len(ids) == 0 {
		return nil, false, err
	}
	of := make(map[string]query.NarrowedRow, len(rows))
	for _, r := range rows {
		of[r.ID] = r
	}
	for _, id := range ids {
		if of[id].Chosen {
			chosen = append(chosen, id)
		}
	}
	return chosen, of[ids[len(ids)-1]].Earlier, nil
}

// Lines returns the orders with these ids, in their order, as lists show them.
func (s *Store) Lines(ctx context.Context, ids []string) ([]Line, error) { return s.lines(ctx, ids) }

// Extra is what pages show of an order besides its line.
type Extra struct {
	Cost order.USD
	// ReviewEnds is when a delivered order completes by itself; zero if that is unknown.
	ReviewEnds time.Time
}

// Extras returns what pages show besides the lines of some orders, by id.
func (s *Store) Extras(ctx context.Context, ids []string) (map[string]Extra, error) {
	rows, err := s.read.ExtrasOf(ctx, order.EncodeStrings(ids))
	extras := make(map[string]Extra, len(rows))
	for _, r := range rows {
		extras[r.ID] = Extra{order.USD(r.Cost), r.ReviewDeadlineAt.Time}
	}
	return extras, err
}

// OpenCall is a call to a provider whose end is not known.
type OpenCall struct {
	Generator string
	Ticket    string // what the provider calls its job; empty before it has said
	Began     time.Time
}

// OpenCallsOf returns the last open call of each of some orders.
func (s *Store) OpenCallsOf(ctx context.Context, ids []string) (map[string]OpenCall, error) {
	rows, err := s.read.OpenCallsOf(ctx, order.EncodeStrings(ids))
	calls := map[string]OpenCall{}
	for _, r := range rows {
		calls[r.OrderID] = OpenCall{Generator: r.Generator, Ticket: r.Ticket, Began: r.BeganAt.Time}
	}
	return calls, err
}

// Delivered is an order that the marketplace has taken.
type Delivered struct {
	ID    string
	At    time.Time
	Price *order.USD
}

// DeliveredSince returns the orders that were delivered at or after a time, the last one
// first, at most so many, and how many there are.
func (s *Store) DeliveredSince(ctx context.Context, at time.Time, most int) (list []Delivered, n int, err error) {
	rows, err := s.read.DeliveredSince(ctx, query.DeliveredSinceParams{Since: utc.At(at), Most: int64(most)})
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		list = append(list, Delivered{ID: r.OrderID, At: r.SettledAt.Time, Price: r.PriceUsdMicros})
	}
	count, err := s.read.CountDeliveredSince(ctx, utc.At(at))
	return list, int(count), err
}
