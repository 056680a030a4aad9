package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Windows returns the budget's counting windows as last written.
func (s *Store) Windows(ctx context.Context) ([]order.Window, error) {
	rows, err := s.read.ListWindows(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]order.Window, len(rows))
	for i, r := range rows {
		list[i] = order.Window{
			Scope: r.Scope, StartedAt: r.StartedAt.Time, EndsAt: r.EndsAt.Time,
			Used: int(r.Used), Limit: int(r.LearnedLimit), BlockedUntil: r.BlockedUntilAt.Time,
		}
	}
	return list, nil
}

// CountRequest records a request that is about to be sent and the windows that
// count it. It returns the id of the request.
func (s *Store) CountRequest(r order.Request, windows []order.Window) (id int64, err error) {
	err = s.record("request", func(t *tx) (err error) {
		if id, err = t.InsertRequest(noCancel, query.InsertRequestParams{At: t.now, Kind: r.Kind, OrderID: r.OrderID}); err != nil {
			return err
		}
		return t.putWindows(windows)
	})
	return id, err
}

// AnswerRequest records the answer to a request and the windows that it changed.
func (s *Store) AnswerRequest(id int64, a order.Answer, windows []order.Window) error {
	return s.record("answer", func(t *tx) error {
		status := int64(a.Status)
		if err := t.AnswerRequest(noCancel, query.AnswerRequestParams{
			AnsweredAt: utc.At(a.At), Status: &status,
			Error: a.Error, ID: id,
		}); err != nil {
			return err
		}
		return t.putWindows(windows)
	})
}

func (t *tx) putWindows(windows []order.Window) error {
	for _, w := range windows {
		if err := t.PutWindow(noCancel, query.PutWindowParams{
			Scope: w.Scope, StartedAt: utc.At(w.StartedAt),
			EndsAt: utc.At(w.EndsAt), Used: int64(w.Used), LearnedLimit: int64(w.Limit),
			BlockedUntilAt: utc.At(w.BlockedUntil),
		}); err != nil {
			return err
		}
	}
	return nil
}

// PendingSends counts the jobs that still need requests: those whose next stage
// delivers, and all that are unfinished.
func (s *Store) PendingSends(ctx context.Context) (delivering, total int, err error) {
	r, err := s.read.UnfinishedJobs(ctx)
	return int(r.Delivering), int(r.Total), err
}

// DueDeliveries counts the deliveries that could be sent now if a request were left.
func (s *Store) DueDeliveries(ctx context.Context) (int, error) {
	n, err := s.read.DueDeliveries(ctx, utc.At(time.Now()))
	return int(n), err
}

// SentSince counts the uploads and deliveries that were sent at or after t.
func (s *Store) SentSince(ctx context.Context, t time.Time) (uploads, deliveries int, err error) {
	r, err := s.read.SentFiles(ctx, utc.At(t))
	return int(r.Uploads), int(r.Deliveries), err
}

// OrdersSince counts the orders that were placed at or after t.
func (s *Store) OrdersSince(ctx context.Context, t time.Time) (int, error) {
	n, err := s.read.SeenSince(ctx, utc.At(t))
	return int(n), err
}
