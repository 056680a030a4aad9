package store

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Measures is the state of the database in numbers.
type Measures struct {
	Orders map[order.State]int // that have not ended, nor been cancelled by the owner
	Queue  []Queued
	// OldestWorking is when the oldest order that is worked on was first seen; zero for
	// none.
	OldestWorking time.Time
	Alerts        map[Alerted]int
}

// Queued is the work of one stage that is ready or leased.
type Queued struct {
	Stage order.Stage
	State order.JobState
	Jobs  int
	// Due is since when, or from when on, the first of the ready jobs may run.
	Due time.Time
}

// Alerted is a kind of what waits for the owner.
type Alerted struct {
	What string
	Code order.Code
}

// Measures counts what is there. What it reads does not grow with history.
func (s *Store) Measures(ctx context.Context) (m Measures, err error) {
	orders, err := s.read.CountOrders(ctx)
	if err != nil {
		return m, err
	}
	m.Orders = map[order.State]int{}
	for _, o := range orders {
		m.Orders[o.State] = int(o.Orders)
	}
	queue, err := s.read.Queue(ctx)
	if err != nil {
		return m, err
	}
	for _, q := range queue {
		m.Queue = append(m.Queue, Queued{Stage: q.Stage, State: q.State, Jobs: int(q.Jobs), Due: since(q.FirstAt)})
	}
	oldest, err := s.read.OldestWorking(ctx)
	if err != nil {
		return m, err
	}
	m.OldestWorking = since(oldest)
	alerts, err := s.read.Attention(ctx)
	m.Alerts = map[Alerted]int{}
	for _, a := range alerts {
		m.Alerts[Alerted{a.What, a.Code}]++
	}
	return m, err
}
