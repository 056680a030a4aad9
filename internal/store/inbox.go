package store

import (
	"context"
	"time"

	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Wrote is what the client of an order wrote last.
type Wrote struct {
	OrderID, Text string
	At            time.Time
}

// ClientsWrote returns what clients wrote last, one for each order, the newest first. They
// are those after the given one, from the newest on if it is zero.
func (s *Store) ClientsWrote(ctx context.Context, after Wrote, most int) ([]Wrote, error) {
	at := utc.At(after.At)
	if after.At.IsZero() {
		at = utc.Time{Bad: "\U0010ffff"} // after every time, and after what is none
	}
	rows, err := s.read.ClientsWrote(ctx, query.ClientsWroteParams{At: at, ID: after.OrderID, Most: int64(most)})
	list := make([]Wrote, len(rows))
	for i, r := range rows {
		list[i] = Wrote{OrderID: r.OrderID, Text: r.Content, At: r.At.Time}
	}
	return list, err
}

// WaitingClients returns what the clients wrote who wait for an answer, the newest first, at
// most so many. It reads only orders that have not ended.
func (s *Store) WaitingClients(ctx context.Context, most int) (list []Wrote, err error) {
	rows, err := s.read.WaitingClients(ctx, int64(most))
	for _, r := range rows {
		if n := len(list); n == 0 || list[n-1].OrderID != r.ID { // two messages may have one time
			list = append(list, Wrote{OrderID: r.ID, Text: r.Content, At: r.At.Time})
		}
	}
	return list, err
}

// CountWaitingClients returns how many clients wait for an answer.
func (s *Store) CountWaitingClients(ctx context.Context) (int, error) {
	n, err := s.read.CountWaitingClients(ctx)
	return int(n), err
}

// ThreadsReadAt returns when the threads of orders that have not ended were read: no one is
// older. It is zero if there are none, or if one was not read yet.
func (s *Store) ThreadsReadAt(ctx context.Context) (time.Time, error) {
	rows, err := s.read.LongestUnread(ctx)
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return rows[0].Time, nil
}

// OrdersToAnswer returns the orders that wait for a price of the owner, and those that
// their client disputes.
func (s *Store) OrdersToAnswer(ctx context.Context) ([]Line, error) {
	ids, err := s.read.OrdersToAnswer(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.lines(ctx, ids)
}
