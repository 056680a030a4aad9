package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// BeginCall writes down that the job is about to call a generator, whose
// price it reserves, unless that goes beyond a cap: then nothing is written and
// the error is the *order.Failure of the cap. Its error is of class Lost once the
// job's lease is gone.
func (s *Store) BeginCall(j order.Job, g order.Call, caps order.Caps) (order.Call, error) {
	var capped *order.Failure
	err := s.write("call.begin", func(t *tx) error {
		capped = nil
		if err := t.leaseStands(j); err != nil {
			return err
		}
		spent, err := t.spend(j)
		if err != nil {
			return err
		}
		if capped = caps.Allow(spent, g.Cost, t.now.Time); capped != nil {
			return t.cappedToday(capped)
		}
		if caps.Day > 0 { // a call that no cap can stop says nothing of those that one has
			if err := t.cappedToday(nil); err != nil {
				return err
			}
		}
		g.State, g.BeganAt, g.Attempt = order.CallStarted, t.now.Time, j.Attempt
		if g.ID, err = t.InsertCall(noCancel, query.InsertCallParams{JobID: j.ID, AttemptID: j.AttemptID,
			Generator: g.Generator, Key: g.Key, CostUsdMicros: g.Cost, BeganAt: t.now}); err != nil {
			return err
		}
		return t.AddAttemptCost(noCancel, query.AddAttemptCostParams{Delta: int64(g.Cost), ID: j.AttemptID})
	})
	if err == nil && capped != nil {
		err = capped
	}
	return g, err
}

// spend sums up what was spent before a call of the job.
func (t *tx) spend(j order.Job) (s order.Spend, err error) {
	inAttempt, err := t.SpentInAttempt(noCancel, j.ID)
	if err != nil {
		return s, err
	}
	onOrder, err := t.SpentOnOrder(noCancel, j.OrderID)
	if err != nil {
		return s, err
	}
	today, err := t.SpentSince(noCancel, utc.At(order.Day(t.now.Time)))
	if err != nil {
		return s, err
	}
	s.Attempt, s.Order, s.Day = order.USD(inAttempt), order.USD(onOrder), order.USD(today)
	rows, err := t.GetOrder(noCancel, j.OrderID)
	if err != nil || len(rows) == 0 || rows[0].PriceUsdMicros == nil {
		return s, err
	}
	price := *rows[0].PriceUsdMicros
	s.Net, s.Priced = price-order.Fee(price, rows[0].FeeUsdMicros), true
	return s, nil
}

// cappedToday tells the owner that a day's cap is reached, or, with nil, that
// calls are made again.
func (t *tx) cappedToday(f *order.Failure) error {
	name := string(order.AlertSpending.Code())
	switch {
	case f == nil:
		_, err := t.DeleteFact(noCancel, name)
		return err
	case f.Code == order.CodeDayCap:
		return t.PutFact(noCancel, query.PutFactParams{Name: name, Value: f.Error(), ChangedAt: t.now})
	}
	return nil
}

// OpenCalls are the calls of a job that are not settled.
func (s *Store) OpenCalls(ctx context.Context, j order.Job) ([]order.Call, error) {
	rows, err := s.read.OpenCalls(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	list := make([]order.Call, len(rows))
	for i, r := range rows {
		list[i] = order.Call{ID: r.ID, Generator: r.Generator, Key: r.Key, Ticket: r.Ticket, State: r.State,
			Cost: r.CostUsdMicros, BeganAt: r.BeganAt.Time, Attempt: int(r.Attempt)}
	}
	return list, nil
}

// CallSubmitted makes a provider's id durable. It asks for no lease: money
// that was spent is written down, whoever works on the order now.
func (s *Store) CallSubmitted(id int64, ticket string) error {
	return s.write("call.submitted", func(t *tx) error {
		n, err := t.CallSubmitted(noCancel, query.CallSubmittedParams{Ticket: ticket, ID: id})
		if err == nil && n == 0 {
			err = fmt.Errorf("call %d: %w", id, order.ErrCallClosed)
		}
		return err
	})
}

// CloseCall ends an open call: how, and what it has cost. The attempt that
// began it carries the cost. One that is settled already is left alone.
func (s *Store) CloseCall(id int64, state order.CallState, cost order.USD, note string) error {
	return s.write("call.close", func(t *tx) error {
		rows, err := t.OpenCall(noCancel, id)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := t.CloseCall(noCancel, query.CloseCallParams{State: state, Cost: cost,
			ClosedAt: t.now, Note: note, ID: id}); err != nil {
			return err
		}
		return t.AddAttemptCost(noCancel, query.AddAttemptCostParams{Delta: int64(cost - rows[0].CostUsdMicros), ID: rows[0].AttemptID})
	})
}

// SpentToday is what the generations begun since midnight (UTC) have cost.
func (s *Store) SpentToday(ctx context.Context, now time.Time) (order.USD, error) {
	n, err := s.read.SpentSince(ctx, utc.At(order.Day(now)))
	return order.USD(n), err
}

// SameFile gives the order that has a file of the same content, or "": another
// one, or the job's own for another piece of it.
func (s *Store) SameFile(ctx context.Context, j order.Job, sha256 string) (string, error) {
	ids, err := s.read.SameFile(ctx, query.SameFileParams{Sha256: sha256, OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// PutReferences keeps what is known of the client's pictures, under the job's
// lease.
func (s *Store) PutReferences(j order.Job, files []order.Artifact) error {
	return s.write("references", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.putArtifacts(order.Job{OrderID: j.OrderID, Kind: order.KindReference}, files)
	})
}

// Remark puts what an attempt has found into the order's timeline, unless another
// one has said the same before.
func (s *Store) Remark(j order.Job, what string, texts []string) error {
	return s.write("remark", func(t *tx) error {
		for _, text := range texts {
			if err := t.InsertEventOnce(noCancel, query.InsertEventOnceParams{At: t.now, OrderID: &j.OrderID, Kind: what, Text: text}); err != nil {
				return err
			}
		}
		return nil
	})
}
