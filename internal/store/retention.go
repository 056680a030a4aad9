package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// This file removes what is kept of orders that have ended. Each transaction is short, and
// looks itself whether the order has still ended. What that means is in the view ended.

// mostEnded is how many orders one list of those that have ended has.
const mostEnded = 20_000

// EndedOrders returns the orders that had ended at a time and still have a part of their
// history, the oldest first.
func (s *Store) EndedOrders(ctx context.Context, part order.HistoryPart, before time.Time) ([]string, error) {
	at := utc.At(before)
	switch part {
	case order.HistoryFiles:
		return s.read.OrdersWithFiles(ctx, query.OrdersWithFilesParams{BeforeAt: at, Most: mostEnded})
	case order.HistoryAttempts:
		return s.read.OrdersWithAttempts(ctx, query.OrdersWithAttemptsParams{BeforeAt: at, Most: mostEnded})
	case order.HistoryTexts:
		return s.read.OrdersWithTexts(ctx, query.OrdersWithTextsParams{BeforeAt: at, Most: mostEnded})
	}
	return nil, fmt.Errorf("orders have no %s", part)
}

// Ended reports whether an order had ended at a time, and whether it is known at all.
func (s *Store) Ended(ctx context.Context, id string, before time.Time) (ended, known bool, err error) {
	if ended, err = s.read.HasEnded(ctx, query.HasEndedParams{ID: id, BeforeAt: utc.At(before)}); err != nil || ended {
		return ended, ended, err
	}
	rows, err := s.read.GetOrder(ctx, id)
	return false, len(rows) > 0, err
}

// OddOrderIDs returns the ids that are no names for a folder.
func (s *Store) OddOrderIDs(ctx context.Context) ([]string, error) { return s.read.OddOrderIDs(ctx) }

// removes runs fn in a transaction if the order had ended at a time.
func (s *Store) removes(name, id string, before time.Time, fn func(*tx) error) error {
	return s.write(name, func(t *tx) error {
		ended, err := t.HasEnded(noCancel, query.HasEndedParams{ID: id, BeforeAt: utc.At(before)})
		if err != nil || !ended {
			return err
		}
		return fn(t)
	})
}

// MarkFiles records that the files of an order are to be removed, if it had ended at a
// time. From then on nothing uses them. MarkedFiles returns them.
func (s *Store) MarkFiles(id string, before time.Time) error {
	return s.removes("retention.files", id, before, func(t *tx) error {
		if err := t.MarkFiles(noCancel, query.MarkFilesParams{Now: t.now, OrderID: id}); err != nil {
			return err
		}
		return t.SetFilesRemoved(noCancel, query.SetFilesRemovedParams{Now: t.now, ID: id})
	})
}

// MarkedFiles returns files that are to be removed from the disk, at most 200, by their
// numbers after one.
func (s *Store) MarkedFiles(ctx context.Context, after int64) ([]order.Artifact, error) {
	rows, err := s.read.MarkedFiles(ctx, after)
	list := make([]order.Artifact, len(rows))
	for i, r := range rows {
		list[i] = order.Artifact{ID: r.ID, OrderID: r.OrderID, Path: r.Path, SHA256: r.Sha256}
	}
	return list, err
}

// FilesRemoved records that files of MarkedFiles are gone.
func (s *Store) FilesRemoved(files []order.Artifact) error {
	return s.write("retention.removed", func(t *tx) error {
		for _, f := range files {
			if err := t.FileRemoved(noCancel, f.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveAttempts removes some attempts and calls of an order, if it had ended at a time.
// more says that others are left. What they cost stays in the books.
func (s *Store) RemoveAttempts(id string, before time.Time) (removed int, more bool, err error) {
	err = s.removes("retention.attempts", id, before, func(t *tx) error {
		removed, more = 0, false
		calls, err := t.RemoveCalls(noCancel, id)
		if err != nil {
			return err
		}
		for _, job := range calls {
			if err := t.CountRemovedCall(noCancel, *job); err != nil {
				return err
			}
		}
		attempts, err := t.RemoveAttempts(noCancel, id)
		if err != nil {
			return err
		}
		if removed = len(calls) + int(attempts); removed > 0 {
			more = true
			return nil
		}
		if left, err := t.HasAttempts(noCancel, id); err != nil || left {
			return err // the newest of all, which is removed once there is a newer one
		}
		return t.SetAttemptsRemoved(noCancel, query.SetAttemptsRemovedParams{Now: t.now, ID: id})
	})
	return removed, more, err
}

// RemoveTexts removes some of the events of an order and then its texts, if it had ended
// at a time. more says that others are left.
func (s *Store) RemoveTexts(id string, before time.Time) (removed int, more bool, err error) {
	err = s.removes("retention.texts", id, before, func(t *tx) error {
		events, err := t.RemoveEvents(noCancel, id)
		if removed, more = int(events), events > 0; err != nil || more {
			return err
		}
		texts, err := t.RemoveMessageTexts(noCancel, id)
		if more = texts > 0; err != nil || more {
			return err
		}
		for _, remove := range []func(context.Context, string) error{
			t.RemoveSentTexts, t.RemovePieceTexts, t.RemovePrompts, t.RemoveChecks, t.RemoveWebhooks,
		} {
			if err := remove(noCancel, id); err != nil {
				return err
			}
		}
		return t.SetTextsRemoved(noCancel, query.SetTextsRemovedParams{Now: t.now, ID: id})
	})
	return removed, more, err
}

// GiveUpForgottenCalls closes some of the calls that began before a time, have no outcome, and
// whose orders have ended, and returns how many. They stay counted as spent. Nothing asks
// about them any more, and an order with an open call is never removed.
func (s *Store) GiveUpForgottenCalls(ctx context.Context, before time.Time) (int, error) {
	ids, err := s.read.ForgottenCalls(ctx, utc.At(before))
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), s.write("retention.calls", func(t *tx) error {
		for _, id := range ids {
			if err := t.GiveUpForgottenCall(noCancel, query.GiveUpForgottenCallParams{ClosedAt: t.now, ID: id}); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveRequests removes some of the requests from before a time, and returns how many.
func (s *Store) RemoveRequests(before time.Time) (int, error) {
	n := int64(0)
	err := s.write("retention.requests", func(t *tx) (err error) {
		n, err = t.RemoveRequests(noCancel, utc.At(before))
		return err
	})
	return int(n), err
}

// RemoveNotices removes some of the messages to the owner, alerts, events of the daemon and
// runs that ended before a time, and returns how many.
func (s *Store) RemoveNotices(before time.Time) (n int, err error) {
	at := utc.At(before)
	err = s.write("retention.notices", func(t *tx) error {
		sent, err := t.OldDispatches(noCancel, at)
		if n = len(sent); err != nil {
			return err
		}
		for _, id := range sent {
			if err := t.RemoveNotices(noCancel, id); err != nil {
				return err
			}
			if err := t.RemoveDispatch(noCancel, id); err != nil {
				return err
			}
		}
		for _, remove := range []func(context.Context, utc.Time) (int64, error){t.RemoveAlerts, t.RemoveDaemonEvents, t.RemoveRuns} {
			removed, err := remove(noCancel, at)
			if err != nil {
				return err
			}
			n += int(removed)
		}
		return nil
	})
	return n, err
}

// pagesAtOnce is how many free pages one transaction returns to the system, and sparePages
// how many stay for what is written next.
const (
	pagesAtOnce = 64
	sparePages  = 1024
)

// ReleasePages returns some free pages of the file to the system. more says that others
// are left. A file from before incremental vacuum has none to return.
func (s *Store) ReleasePages() (more bool, err error) {
	err = s.write("retention.pages", func(t *tx) error {
		var mode, free int
		for pragma, into := range map[string]*int{"auto_vacuum": &mode, "freelist_count": &free} {
			if err := t.db.QueryRowContext(noCancel, "PRAGMA "+pragma).Scan(into); err != nil {
				return err
			}
		}
		more = mode == incrementalVacuum && free > sparePages+pagesAtOnce
		if !more {
			return nil
		}
		_, err := t.db.ExecContext(noCancel, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pagesAtOnce))
		return err
	})
	return more, err
}

// Stored is how much room the files of orders take.
type Stored struct {
	Kept int64 // that are there now
	// Lately is what was stored in the time Within, which ends now.
	Lately int64
	Within time.Duration
}

// storedWithin is the time whose files say how fast the disk fills.
const storedWithin = 30 * 24 * time.Hour

// Stored returns how much room files take, and how much was stored in the last 30 days or
// since the first of them, but in no less than one day.
func (s *Store) Stored(ctx context.Context, now time.Time) (v Stored, err error) {
	lately, err := s.read.StoredSince(ctx, utc.At(now.Add(-storedWithin)))
	if err != nil {
		return v, err
	}
	v.Lately, v.Within = lately.Bytes, min(max(now.Sub(since(lately.FirstAt)), 24*time.Hour), storedWithin)
	v.Kept, err = s.read.KeptBytes(ctx)
	return v, err
}

// PrunedAt returns when history was last pruned, or zero.
func (s *Store) PrunedAt(ctx context.Context) (time.Time, error) {
	text, err := s.Fact(ctx, factPruned)
	return since(text), err
}

// SetPruned records that history was pruned.
func (s *Store) SetPruned(at time.Time) error {
	return s.SetFact(factPruned, at.UTC().Format(utc.Layout))
}

// factPruned is when history was last pruned.
const factPruned = "history.pruned"

// kept returns an error if nothing can be done for an order any more because its files
// were removed.
func kept(o order.Order) error {
	if at := o.Removed.Files; !at.IsZero() {
		return fmt.Errorf("order %s is %s, and its files were removed on %s", o.ID, o.State, at.Format(time.DateOnly))
	}
	return nil
}
