package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Sight returns what an owner decides on.
func (s *Store) Sight(ctx context.Context, id string) (order.Sight, error) {
	v, _, err := readSight(ctx, s.read, id)
	return v, err
}

// If returns an Owner whose actions on an order refuse one that is not as seen. They fail
// with an order.ChangedError and change nothing.
func (o Owner) If(seen order.Fingerprint) Owner {
	o.seen = seen
	return o
}

// asSeen returns the order if it is as the owner has seen it.
func (o Owner) asSeen(ctx context.Context, id string, of order.Part) (order.Order, error) {
	before, err := o.Order(ctx, id)
	if err != nil || o.seen == "" {
		return before, err
	}
	return before, stillSeen(ctx, o.read, sighting{id, of, o.seen, time.Now()})
}

// decide is write for an action on an order. It fails if the order is not as the owner has
// seen it.
func (o Owner) decide(name, id string, of order.Part, fn func(*tx) error) error {
	return o.write(name, func(t *tx) error {
		if err := o.stillSeen(t, id, of); err != nil {
			return err
		}
		return fn(t)
	})
}

// stillSeen fails if the order is not as the owner has seen it.
func (o Owner) stillSeen(t *tx, id string, of order.Part) error {
	if o.seen == "" {
		return nil
	}
	return stillSeen(noCancel, t.Queries, sighting{id, of, o.seen, t.now.Time})
}

// sighting is what an owner has seen of an order and decides on at a time.
type sighting struct {
	id   string
	of   order.Part
	seen order.Fingerprint
	at   time.Time
}

func stillSeen(ctx context.Context, q *query.Queries, d sighting) error {
	now, starts, err := readSight(ctx, q, d.id)
	if err != nil {
		return err
	}
	last := order.Act{}
	acts, err := q.LastAct(ctx, &d.id)
	if err != nil {
		return err
	}
	for _, a := range acts {
		last = order.Act{At: a.At.Time, Text: a.Text, By: a.Actor}
	}
	return order.Changed(d.seen, d.of, now, order.Since{Last: last, Starts: starts, Now: d.at})
}

// readSight reads what an owner sees of an order, and when approved work of it begins.
func readSight(ctx context.Context, q *query.Queries, id string) (s order.Sight, starts time.Time, err error) {
	rows, err := q.GetOrder(ctx, id)
	if err != nil {
		return s, starts, err
	}
	if len(rows) == 0 {
		return s, starts, fmt.Errorf("%w: %.100q", ErrNotFound, id)
	}
	r := rows[0]
	s = order.Sight{ID: r.ID, State: r.State, Code: r.Code, Round: int(r.Round), Service: r.Service, Price: r.PriceUsdMicros}
	quotes, err := q.GetQuote(ctx, id)
	if err != nil {
		return s, starts, err
	}
	for _, each := range quotes {
		s.Quoted, s.Quote = each.PriceUsdMicros, each.State
	}
	thread, err := q.SeenThread(ctx, id)
	if err != nil {
		return s, starts, err
	}
	s.Asked, s.Messages, s.Answers = thread.Asked, int(thread.Messages), int(thread.Answers)
	s.Draft = thread.Draft
	jobs, err := q.OrderJobs(ctx, id)
	if err != nil {
		return s, starts, err
	}
	for _, j := range jobs {
		current := j.Kind == order.KindQuote || j.Kind == order.KindDelivery && j.Round == r.Round
		if !current && !j.State.Stopped() {
			continue
		}
		s.Jobs = append(s.Jobs, order.SeenJob{Kind: j.Kind, Round: int(j.Round), Stage: j.Stage, State: j.State, Code: j.Code})
		if j.State == order.JobReady && j.NotBefore.After(starts) {
			starts = j.NotBefore.Time
		}
	}
	return s, starts, readSeenFiles(ctx, q, &s)
}

// readSeenFiles adds the last takes of the jobs in s, with their files.
func readSeenFiles(ctx context.Context, q *query.Queries, s *order.Sight) error {
	takes, err := q.OrderTakes(ctx, s.ID)
	if err != nil {
		return err
	}
	files, err := q.OrderArtifacts(ctx, s.ID)
	if err != nil {
		return err
	}
	for i, j := range s.Jobs {
		if j.Kind != order.KindDelivery && j.Kind != order.KindPiece {
			continue
		}
		last := int64(1)
		for _, t := range takes {
			if t.Kind == j.Kind && int(t.Round) == j.Round {
				last = max(last, t.Take)
			}
		}
		s.Jobs[i].Take = int(last)
		for _, f := range files {
			if f.Kind == j.Kind && int(f.Round) == j.Round && f.Take == last {
				seen := order.SeenFile{Kind: f.Kind, Round: int(f.Round), SHA256: f.Sha256}
				if f.Path == "" {
					seen.URL = f.Url
				}
				s.Files = append(s.Files, seen)
			}
		}
	}
	return nil
}
