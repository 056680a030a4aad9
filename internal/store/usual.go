package store

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Usual returns how long work has taken lately. It reads a limited number of rows,
// however long the history is.
func (s *Store) Usual(ctx context.Context) (order.Usual, error) {
	calls, err := s.read.RecentCalls(ctx)
	if err != nil {
		return order.Usual{}, err
	}
	attempts, err := s.read.RecentAttempts(ctx)
	if err != nil {
		return order.Usual{}, err
	}
	made, costs := map[string][]time.Duration{}, map[string][]order.USD{}
	for _, c := range calls {
		costs[c.Generator] = append(costs[c.Generator], c.CostUsdMicros)
		made[c.Generator] = append(made[c.Generator], c.ClosedAt.Sub(c.BeganAt.Time))
	}
	done := map[order.Stage][]time.Duration{}
	for _, a := range attempts {
		done[a.Stage] = append(done[a.Stage], a.FinishedAt.Sub(a.StartedAt.Time))
	}
	u := order.Usual{Generators: map[string]time.Duration{}, Stages: map[order.Stage]time.Duration{}, Costs: map[string]order.USD{}}
	for name, list := range made {
		u.Generators[name], u.Costs[name] = order.Median(list), order.Median(costs[name])
	}
	for stage, list := range done {
		u.Stages[stage] = order.Median(list)
	}
	return u, nil
}
