package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Attention is something that waits for the owner.
type Attention struct {
	What   string // order, piece, message, service, row, generator or daemon
	ID     string
	State  string
	Code   order.Code
	Reason string
	Hint   string
	Since  time.Time
	Due    time.Time // of an order that waits; zero for anything else
}

// RequestCount is the number of requests of one kind.
type RequestCount struct {
	Kind    order.RequestKind
	Sent    int
	Refused int
}

// Status is the state of the orders, the services and the daemon.
type Status struct {
	Orders    map[order.State]int // that have not ended, nor been cancelled by the owner
	Attention []Attention
	Requests  []RequestCount // since the given time
	Windows   []order.Window
	Services  []order.Listed
	Facts     []Fact
	Pauses    []order.Pause // that are not over
	// Oldest is the order that has waited longest for its delivery; nil for none. Near
	// are those that are due within the hour.
	Oldest *order.Waiting
	Near   []order.Waiting
	// Run is the last daemon or heartbeat.
	Run order.Run
}

// Status reads the current state. It counts the requests at or after since.
func (s *Store) Status(ctx context.Context, since time.Time) (st Status, err error) {
	counts, err := s.read.CountOrders(ctx)
	if err != nil {
		return st, err
	}
	st.Orders = map[order.State]int{}
	for _, c := range counts {
		st.Orders[c.State] = int(c.Orders)
	}
	attention, err := s.read.Attention(ctx)
	if err != nil {
		return st, err
	}
	for _, a := range attention {
		var since, due utc.Time
		_, _ = since.Scan(a.Since), due.Scan(a.Due) // never fail
		st.Attention = append(st.Attention, Attention{
			What: a.What, ID: a.ID, State: a.State, Code: a.Code,
			Reason: a.Reason, Hint: a.Hint, Since: since.Time, Due: due.Time,
		})
	}
	calls, err := s.read.RequestsSince(ctx, utc.At(since))
	if err != nil {
		return st, err
	}
	for _, c := range calls {
		st.Requests = append(st.Requests, RequestCount{Kind: c.Kind, Sent: int(c.Requests), Refused: int(c.Refused)})
	}
	if st.Windows, err = s.Windows(ctx); err != nil {
		return st, err
	}
	if st.Services, err = s.Services(ctx); err != nil {
		return st, err
	}
	if st.Facts, err = s.Facts(ctx); err != nil {
		return st, err
	}
	if st.Pauses, err = s.Pauses(ctx); err != nil {
		return st, err
	}
	if st.Run, err = s.lastRun(ctx); err != nil {
		return st, err
	}
	return st, s.waiting(ctx, &st)
}

// waiting reads which orders wait longest and are due soonest.
func (s *Store) waiting(ctx context.Context, st *Status) error {
	oldest, err := s.read.OldestWaiting(ctx)
	if err != nil {
		return err
	}
	for _, o := range oldest {
		st.Oldest = &order.Waiting{ID: o.ID, Service: o.Service, Since: o.CreatedAt.Time, DueAt: o.DueAt.Time}
	}
	near, err := s.read.OrdersNearDeadline(ctx, utc.At(time.Now().Add(deadlineNear)))
	for _, o := range near {
		st.Near = append(st.Near, order.Waiting{ID: o.ID, Service: o.Service, Since: o.CreatedAt.Time, DueAt: o.DueAt.Time})
	}
	return err
}

// LastPoll returns when the marketplace last answered a poll, or zero if that is not known
// or months ago.
func (s *Store) LastPoll(ctx context.Context) (time.Time, error) {
	last, err := s.read.PolledSince(ctx, utc.At(time.Now().AddDate(0, -3, 0)))
	return since(last), err
}

// Waiting is how many orders in work wait for one thing.
type Waiting struct {
	Code   order.Code
	Orders int
}

// Waiting returns what orders in work wait for until after now. The most come first.
func (s *Store) Waiting(ctx context.Context, now time.Time) ([]Waiting, error) {
	rows, err := s.read.WaitingWork(ctx, utc.At(now))
	if err != nil {
		return nil, err
	}
	list := make([]Waiting, len(rows))
	for i, r := range rows {
		list[i] = Waiting{Code: r.Code, Orders: int(r.Orders)}
	}
	return list, nil
}

// CappedToday returns how many orders wait for the next day (UTC) because of the
// daily cap.
func (s *Store) CappedToday(ctx context.Context, now time.Time) (int, error) {
	n, err := s.read.OrdersWaitingFor(ctx, query.OrdersWaitingForParams{Code: order.CodeDayCap, ChangedAt: utc.At(order.Day(now))})
	return int(n), err
}
