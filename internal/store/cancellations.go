package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// This file is about calls whose job is to be cancelled at the provider. That is recorded
// in the transaction that ends the order or the job, for calls with a provider's id whose
// generator can cancel jobs. Such a call is never resumed.

// cancelOrderCalls records that the jobs of the order's calls are to be cancelled.
func (t *tx) cancelOrderCalls(orderID string) error {
	n, err := t.CancelOrderCalls(noCancel, query.CancelOrderCallsParams{Now: t.now, OrderID: orderID})
	t.changed.Cancellations = t.changed.Cancellations || n > 0
	return err
}

// giveUpCalls ends the open calls of a job, whose files the owner has made again: those
// that can be cancelled at the provider are to be, and the others are given up.
func (t *tx) giveUpCalls(jobID int64) error {
	n, err := t.CancelJobCalls(noCancel, query.CancelJobCallsParams{Now: t.now, JobID: &jobID})
	t.changed.Cancellations = t.changed.Cancellations || n > 0
	if err != nil {
		return err
	}
	return t.GiveUpCalls(noCancel, query.GiveUpCallsParams{ClosedAt: t.now, JobID: &jobID})
}

// cancelLate records that the job of a call is to be cancelled if its order has ended
// before the provider's id was known.
func (t *tx) cancelLate(id int64) error {
	n, err := t.CancelCallOfEndedJob(noCancel, query.CancelCallOfEndedJobParams{Now: t.now, ID: id})
	t.changed.Cancellations = t.changed.Cancellations || n > 0
	return err
}

// Cancellations returns the calls whose job is to be cancelled at its provider at now,
// the longest due first.
func (s *Store) Cancellations(ctx context.Context, now time.Time) ([]order.Cancellation, error) {
	rows, err := s.read.DueCancellations(ctx, utc.At(now))
	if err != nil {
		return nil, err
	}
	list := make([]order.Cancellation, len(rows))
	for i, r := range rows {
		list[i] = order.Cancellation{
			Call: order.Call{
				ID: r.ID, Generator: r.Generator, Ticket: r.Ticket, State: order.CallSubmitted, Cost: r.CostUsdMicros,
			},
			OrderID: r.OrderID, JobID: r.JobID, Tries: int(r.CancelTries),
		}
	}
	return list, nil
}

// NextCancellation returns when the next job is to be cancelled at its provider, or the
// zero time if there is none.
func (s *Store) NextCancellation(ctx context.Context) (time.Time, error) {
	rows, err := s.read.NextCancellation(ctx)
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return rows[0].Time, nil
}

// CountCancellation records that the provider is about to be asked to cancel the job of a
// call, and when it is asked again. It returns false if the call was closed meanwhile.
func (s *Store) CountCancellation(id int64, next time.Time) (open bool, err error) {
	err = s.write("call.cancel", func(t *tx) error {
		n, err := t.CountCancellation(noCancel, query.CountCancellationParams{CancelNextAt: utc.At(next), ID: id})
		open = n > 0
		return err
	})
	return open, err
}
