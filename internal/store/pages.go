package store

import (
	"context"
	"math"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

const (
	// narrowMost is how many orders one page of a narrow list looks at, if no index has
	// what it is narrowed by. Most pages are full after narrowFirst.
	narrowMost  = 1000
	narrowFirst = 100
)

// Group is a group of orders, as an owner thinks of them. OrderCounts counts them.
type Group string

// The groups of orders that have not ended. None has those that the owner has cancelled.
const (
	GroupOpen       Group = "open"
	GroupNeedYou    Group = "need you"
	GroupWithClient Group = "with the client"
)

// Narrow are further conditions. Where no index has them, a page looks at a limited number of
// orders.
type Narrow struct {
	Group     Group     // "" is any
	Service   string    // the title; "" is any
	Generator string    // that was called for the order; "" is any
	Since     time.Time // the earliest creation; zero is any
}

// since is the earliest creation as the database has it, "" for any.
func (n Narrow) since() (string, error) {
	if n.Since.IsZero() {
		return "", nil
	}
	value, err := utc.At(n.Since).Value()
	text, _ := value.(string) // it is one
	return text, err
}

// beyondIndex reports whether an order that list or search finds may have to be left out.
func (q OrderQuery) beyondIndex() bool {
	n := q.Narrow
	if q.Text != "" {
		return n != Narrow{}
	}
	return n.Generator != "" || !q.ofOpen() && (n.Group != "" || n.Service != "" && (q.Client != "" || q.ofEnded()))
}

// narrowed returns what find does, without the orders that q.Narrow leaves out.
func (s *Store) narrowed(ctx context.Context, q OrderQuery, find finder) (ids []string, p OrderPage, err error) {
	wide := q
	for _, wide.Most = range []int{narrowFirst, narrowMost - narrowFirst} {
		var found []string
		if found, p, err = find(ctx, wide); err != nil {
			return nil, p, err
		}
		more := len(found) > wide.Most
		if more {
			found = found[:wide.Most]
			p.Next, p.Partial = found[wide.Most-1], true
		}
		chosen, err := s.choose(ctx, q, found)
		if err != nil {
			return nil, p, err
		}
		if ids = append(ids, chosen...); !more || len(ids) > q.Most {
			break
		}
		wide.OlderThan = p.Next
	}
	return ids, p, nil
}

// choose returns those of the orders that q.State and q.Narrow allow, in their order.
func (s *Store) choose(ctx context.Context, q OrderQuery, ids []string) ([]string, error) {
	n := q.Narrow
	since, err := n.since()
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	allowed, err := s.read.Narrowed(ctx, query.NarrowedParams{
		Service: n.Service, Since: since, State: q.State, Orders: string(n.Group), Generator: n.Generator, Ids: order.EncodeStrings(ids),
	})
	if err != nil {
		return nil, err
	}
	is := make(map[string]bool, len(allowed))
	for _, id := range allowed {
		is[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !is[id] }), nil
}

// listGenerator returns the orders that a generator was called for, by the last call for
// each, and one more if there is.
func (s *Store) listGenerator(ctx context.Context, q OrderQuery) (ids []string, p OrderPage, err error) {
	below := int64(math.MaxInt64)
	if q.OlderThan != "" {
		if below, err = s.read.LastCallOf(ctx, query.LastCallOfParams{OrderID: q.OlderThan, Generator: q.Narrow.Generator}); err != nil {
			return nil, p, err
		}
	}
	rows, err := s.read.PageOfGenerator(ctx, query.PageOfGeneratorParams{Generator: q.Narrow.Generator, Below: below, Most: int64(q.Most) + 1})
	for _, r := range rows {
		if r.BeganAt.Before(q.Narrow.Since) {
			break // it was created before that
		}
		ids = append(ids, r.OrderID)
	}
	return ids, p, err
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
