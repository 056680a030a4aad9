package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// SpentBy returns what each generator has cost in some days (UTC).
func (s *Store) SpentBy(ctx context.Context, first, last string) (map[string]order.USD, error) {
	return spentBy(ctx, s.read, first, last)
}

func spentBy(ctx context.Context, q *query.Queries, first, last string) (map[string]order.USD, error) {
	rows, err := q.SpentByGenerator(ctx, query.SpentByGeneratorParams{First: first, Last: last})
	if err != nil {
		return nil, err
	}
	spent := map[string]order.USD{}
	for _, r := range rows {
		spent[r.Generator] = order.USD(r.Cost)
	}
	return spent, nil
}

// EndedCall is how a call has ended, and how long it took.
type EndedCall struct {
	State order.CallState
	Took  time.Duration
}

// CallsOf returns the newest calls of a generator that have ended, since a time, at most so
// many.
func (s *Store) CallsOf(ctx context.Context, generator string, since time.Time, most int) ([]EndedCall, error) {
	rows, err := s.read.CallsOfGenerator(ctx, query.CallsOfGeneratorParams{Generator: generator, Since: utc.At(since), Most: int64(most)})
	if err != nil {
		return nil, err
	}
	list := make([]EndedCall, len(rows))
	for i, r := range rows {
		list[i] = EndedCall{r.State, r.ClosedAt.Sub(r.BeganAt.Time)}
	}
	return list, nil
}

// OrdersByService returns how many orders of some services were placed since a time.
func (s *Store) OrdersByService(ctx context.Context, titles []string, since time.Time) (map[string]int, error) {
	rows, err := s.read.OrdersByService(ctx, query.OrdersByServiceParams{Titles: order.EncodeStrings(titles), Since: utc.At(since)})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Service] = int(r.Orders)
	}
	return counts, nil
}

// Writes reports whether the database is open for writing, and not by OpenReader.
func (s *Store) Writes() bool { return s.writer != nil }
