package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// BeginCall records that the job is about to call a generator, derives the call's key
// and reserves the price. If that would go beyond a cap, or the owner has paused the
// service, it records nothing and returns that *order.Failure. It fails with class Lost if
// the job's lease is lost.
func (s *Store) BeginCall(j order.Job, c order.NewCall) (order.Call, error) {
	var capped *order.Failure
	g := order.Call{Generator: c.Generator, Cost: c.Price}
	err := s.write("call.begin", func(t *tx) error {
		capped = nil
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.orderMayBegin(j.OrderID); err != nil {
			return err
		}
		spent, err := t.spend(j)
		if err != nil {
			return err
		}
		if c.Caps.Client > 0 {
			if err := t.spentOnClient(j, &spent); err != nil {
				return err
			}
		}
		if capped = c.Caps.Allow(spent, g.Cost, t.now.Time); capped != nil {
			return t.cappedToday(capped)
		}
		if c.Caps.Day > 0 { // a call that no cap can stop says nothing about the others
			if err := t.cappedToday(nil); err != nil {
				return err
			}
		}
		if g.Key, err = t.nextKey(j, c); err != nil {
			return err
		}
		g.State, g.BeganAt, g.Attempt = order.CallStarted, t.now.Time, j.Attempt
		if g.ID, err = t.InsertCall(noCancel, query.InsertCallParams{
			JobID: &j.ID, AttemptID: &j.AttemptID,
			Generator: g.Generator, Key: g.Key, CostUsdMicros: g.Cost, BeganAt: t.now, Cancels: one(c.Cancels),
			Purpose: cmp.Or(c.Purpose, order.PurposeMake),
		}); err != nil {
			return err
		}
		return t.AddAttemptCost(noCancel, query.AddAttemptCostParams{Delta: int64(g.Cost), ID: j.AttemptID})
	})
	if err == nil && capped != nil {
		err = capped
	}
	return g, err
}

// nextKey returns the key of the job's next call of a generator.
func (t *tx) nextKey(j order.Job, c order.NewCall) (string, error) {
	n, err := t.CountCalls(noCancel, query.CountCallsParams{
		OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Generator: c.Generator,
	})
	return order.CallKey(c.Agent, j, c.Generator, n+1), err
}

// spend returns what was spent before a call of the job.
func (t *tx) spend(j order.Job) (s order.Spend, err error) {
	inAttempt, err := t.SpentInAttempt(noCancel, j.ID)
	if err != nil {
		return s, err
	}
	s, err = spent(noCancel, t.Queries, j.OrderID, t.now.Time)
	s.Attempt = order.USD(inAttempt)
	return s, err
}

// Spent returns what was spent today, and on an order.
func (s *Store) Spent(ctx context.Context, orderID string, now time.Time) (order.Spend, error) {
	return spent(ctx, s.read, orderID, now)
}

func spent(ctx context.Context, q *query.Queries, orderID string, now time.Time) (s order.Spend, err error) {
	onOrder, err := q.SpentOnOrder(ctx, orderID)
	if err != nil {
		return s, err
	}
	if s, err = spentToday(ctx, q, now); err != nil {
		return s, err
	}
	s.Order = order.USD(onOrder)
	rows, err := q.GetOrder(ctx, orderID)
	if err != nil || len(rows) == 0 {
		return s, err
	}
	s.OrderUnknown = !rows[0].RestoredAt.IsZero()
	if rows[0].PriceUsdMicros == nil {
		return s, nil
	}
	price := *rows[0].PriceUsdMicros
	s.Net, s.Priced = price-order.Fee(price, rows[0].FeeUsdMicros, rows[0].ClientType), true
	return s, nil
}

// spentToday returns what was spent today, and nothing of an order.
func spentToday(ctx context.Context, q *query.Queries, now time.Time) (s order.Spend, err error) {
	today, err := q.SpentSince(ctx, utc.At(order.Day(now)))
	if err != nil {
		return s, err
	}
	restored, err := q.RestoredAt(ctx)
	return order.Spend{
		Day: order.USD(today), DayUnknown: !restored.IsZero() && !restored.Before(order.Day(now)),
	}, err
}

// cappedToday sets the alert for a reached daily cap, or clears it if f is nil.
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

// OpenCalls returns the open calls of a job for a purpose, without those that are being
// cancelled.
func (s *Store) OpenCalls(ctx context.Context, j order.Job, p order.Purpose) ([]order.Call, error) {
	rows, err := s.read.OpenCalls(ctx, query.OpenCallsParams{JobID: &j.ID, Purpose: p})
	if err != nil {
		return nil, err
	}
	list := make([]order.Call, len(rows))
	for i, r := range rows {
		list[i] = callOf(r)
	}
	return list, nil
}

func callOf(r query.OpenCallsRow) order.Call {
	return order.Call{
		ID: r.ID, Generator: r.Generator, Key: r.Key, Ticket: r.Ticket, State: r.State,
		Cost: r.CostUsdMicros, BeganAt: r.BeganAt.Time, LateAt: r.LateAt.Time, Attempt: int(r.Attempt),
	}
}

// UnusedCall returns the last call of a job for a purpose if it is done and no attempt has
// used or rejected what it made; ok is false if there is none.
func (s *Store) UnusedCall(ctx context.Context, j order.Job, p order.Purpose) (c order.Call, ok bool, err error) {
	rejected, err := json.Marshal(order.Rejections)
	if err != nil {
		return c, false, err
	}
	rows, err := s.read.UnusedCall(ctx, query.UnusedCallParams{JobID: &j.ID, Purpose: p, Rejected: string(rejected)})
	if err != nil || len(rows) == 0 {
		return c, false, err
	}
	return callOf(query.OpenCallsRow(rows[0])), true, nil
}

// ReopenCall opens a call that is done, so that its result is fetched again. It fails with
// class Lost if the job's lease is lost.
func (s *Store) ReopenCall(j order.Job, id int64) error {
	return s.write("call.reopen", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		n, err := t.ReopenCall(noCancel, id)
		if err == nil && n == 0 {
			err = fmt.Errorf("call %d is not done", id)
		}
		return err
	})
}

// CallSubmitted records the provider's id of a call. It needs no lease: spent money
// is recorded even if the job has another lease by now. If the order has ended by now,
// the provider's job is to be cancelled.
func (s *Store) CallSubmitted(id int64, ticket string) error {
	return s.write("call.submitted", func(t *tx) error {
		n, err := t.CallSubmitted(noCancel, query.CallSubmittedParams{Ticket: ticket, ID: id})
		if err == nil && n == 0 {
			err = fmt.Errorf("call %d: %w", id, order.ErrCallClosed)
		}
		if err != nil {
			return err
		}
		return t.cancelLate(id)
	})
}

// CallLate records that the result of a call's job is late, and returns how long it has
// been so without a gap in the looks. Once it has returned the limit it counts from the
// beginning, so that a retry of the owner has as much time. It needs no lease.
func (s *Store) CallLate(id int64) (late time.Duration, err error) {
	err = s.write("call.late", func(t *tx) error {
		rows, err := t.CallLate(noCancel, query.CallLateParams{Now: t.now, Gap: utc.At(t.now.Add(-order.LateGap)), ID: id})
		if err == nil && len(rows) == 0 {
			err = fmt.Errorf("call %d: %w", id, order.ErrCallClosed)
		}
		if err != nil {
			return err
		}
		if late = t.now.Sub(rows[0].Time); late >= order.LateLimit {
			return t.CallRuns(noCancel, id)
		}
		return nil
	})
	return late, err
}

// CallRuns records that the job of a call runs, so that its result is not late.
func (s *Store) CallRuns(id int64) error {
	return s.write("call.runs", func(t *tx) error { return t.CallRuns(noCancel, id) })
}

// CloseCall records the outcome and the cost of an open call. The cost counts for
// the attempt that began the call. A call that is closed stays as it is.
func (s *Store) CloseCall(id int64, state order.CallState, cost order.USD, note string) error {
	var generator string
	err := s.write("call.close", func(t *tx) (err error) {
		generator, err = t.closeCall(id, query.CloseCallParams{State: state, Cost: cost, Note: note})
		return err
	})
	if err == nil {
		s.callClosed(Closed{Generator: generator, State: state, Cost: cost})
	}
	return err
}

// closeCall closes an open call and returns its generator. It returns "" for a call that is
// closed, which stays as it is.
func (t *tx) closeCall(id int64, end query.CloseCallParams) (generator string, err error) {
	rows, err := t.OpenCall(noCancel, id)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	end.ID, end.ClosedAt = id, t.now
	if err := t.CloseCall(noCancel, end); err != nil {
		return "", err
	}
	if rows[0].AttemptID == nil {
		return rows[0].Generator, nil // a sample has none
	}
	return rows[0].Generator, t.AddAttemptCost(noCancel, query.AddAttemptCostParams{
		Delta: int64(end.Cost - rows[0].CostUsdMicros), ID: *rows[0].AttemptID,
	})
}

// closeAsked closes the call of the assistant that ends with an attempt. It was paid for, also
// if the lease is lost.
func (t *tx) closeAsked(d *order.Done) error {
	c := d.Asked()
	if c == nil {
		return nil
	}
	_, err := t.closeCall(c.ID, query.CloseCallParams{State: order.CallDone, Cost: c.Cost})
	return err
}

// callClosed passes on a call that was closed. One without a generator was closed before.
func (s *Store) callClosed(c Closed) {
	if f := s.closed.Load(); f != nil && c.Generator != "" {
		(*f)(c)
	}
}

// CutCalls returns how many calls of a job for a purpose, begun since a time, have an outcome
// that was never learned. The zero time counts all.
func (s *Store) CutCalls(ctx context.Context, j order.Job, p order.Purpose, since time.Time) (int, error) {
	if since.IsZero() {
		since = time.Unix(0, 0) // in the database the zero time is none
	}
	n, err := s.read.CountCutCalls(ctx, query.CountCutCallsParams{JobID: &j.ID, Purpose: p, Since: utc.At(since)})
	return int(n), err
}

// Closed is a call that was closed.
type Closed struct {
	Generator string
	State     order.CallState
	Cost      order.USD
}

// OnCallClosed sets the function that is called with each call that this process has
// closed. It must return at once.
func (s *Store) OnCallClosed(f func(Closed)) { s.closed.Store(&f) }

// SpentToday returns the cost of the calls begun since midnight (UTC).
func (s *Store) SpentToday(ctx context.Context, now time.Time) (order.USD, error) {
	n, err := s.read.SpentSince(ctx, utc.At(order.Day(now)))
	return order.USD(n), err
}

// SameFile returns an order that has a file of the same content, or "". It may be
// the job's own order, if the file belongs to another piece of it.
func (s *Store) SameFile(ctx context.Context, j order.Job, sha256 string) (string, error) {
	ids, err := s.read.SameFile(ctx, query.SameFileParams{Sha256: sha256, OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// PutReferences records the client's reference pictures. It fails with class Lost
// if the job's lease is lost.
func (s *Store) PutReferences(j order.Job, files []order.Artifact) error {
	return s.write("references", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.putArtifacts(order.Job{OrderID: j.OrderID, Kind: order.KindReference}, files)
	})
}

// Remark adds the findings of an attempt to the order's timeline. A finding that is
// there already is not added again.
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
