package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/utc"
)

// Prunable returns how much of each part of the history would be removed with these times.
// A zero time is for a part that stays.
func (s *Store) Prunable(ctx context.Context, before map[order.HistoryPart]time.Time) (list []order.Prunable, err error) {
	for _, each := range []struct {
		part  order.HistoryPart
		what  order.Pruned
		count func(context.Context, utc.Time) (rows, bytes int64, err error)
	}{
		{order.HistoryFiles, order.PrunedFiles, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			r, err := s.read.PrunableFiles(ctx, at)
			return r.Files, r.Bytes, err
		}},
		{order.HistoryAttempts, order.PrunedAttempts, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			r, err := s.read.PrunableAttempts(ctx, at)
			return r.Attempts, r.Bytes, err
		}},
		{order.HistoryAttempts, order.PrunedCalls, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			r, err := s.read.PrunableCalls(ctx, at)
			return r.Calls, r.Bytes, err
		}},
		{order.HistoryTexts, order.PrunedEvents, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			r, err := s.read.PrunableEvents(ctx, at)
			return r.Events, r.Bytes, err
		}},
		{order.HistoryTexts, order.PrunedTexts, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			r, err := s.read.PrunableTexts(ctx, at)
			return r.Orders, r.Bytes, err
		}},
		{order.HistoryRequests, order.PrunedRequests, func(ctx context.Context, at utc.Time) (int64, int64, error) {
			rows, err := s.read.PrunableRequests(ctx, at)
			return rows, rows * requestBytes, err
		}},
		{order.HistoryTexts, order.PrunedNotices, s.prunableNotices},
	} {
		if before[each.part].IsZero() {
			continue
		}
		rows, bytes, err := each.count(ctx, utc.At(before[each.part]))
		if err != nil {
			return nil, err
		}
		list = append(list, order.Prunable{What: each.what, Count: int(rows), Bytes: bytes})
	}
	return list, nil
}

// prunableNotices counts what RemoveNotices removes in all.
func (s *Store) prunableNotices(ctx context.Context, at utc.Time) (rows, bytes int64, err error) {
	messages, err := s.read.PrunableNotices(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	alerts, err := s.read.PrunableAlerts(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	events, err := s.read.PrunableDaemonEvents(ctx, at)
	if err != nil {
		return 0, 0, err
	}
	runs, err := s.read.PrunableRuns(ctx, at)
	return messages.Messages + alerts.Alerts + events.Events + runs.Runs, messages.Bytes + alerts.Bytes + events.Bytes + runs.Bytes, err
}

// requestBytes is about what a request takes in the file.
const requestBytes = 120
