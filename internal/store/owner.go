package store

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Owner makes the owner's short transactions, beside a running daemon or
// without one. The daemon is not told by itself; see Holder.
type Owner struct{ *Store }

// OpenOwner opens the database of dir for the owner's changes. It creates and
// migrates nothing, and it takes no lock.
func OpenOwner(dir string) (Owner, error) {
	path, err := existing(dir)
	if err != nil {
		return Owner{}, err
	}
	s := newStore(Options{Dir: dir})
	if err := s.openOwner(path); err != nil {
		s.Close()
		return Owner{}, err
	}
	return Owner{s}, nil
}

func (s *Store) openOwner(path string) (err error) {
	if err := s.openReader(path); err != nil {
		return err
	}
	if s.db, err = openPool(path, 1, false); err != nil {
		return err
	}
	s.writer, err = newWriter(s.db, s.log, s.hook, s.changed)
	return err
}

// Dir returns the data folder.
func (o Owner) Dir() string { return o.dir }

// Retry lets the held, failed or cancelled work of an order run again, with
// fresh attempts, from where it stopped. The error names the order's state when
// there is nothing to retry.
func (o Owner) Retry(ctx context.Context, id string) error {
	return o.again(ctx, id, func(t *tx, round int) (int64, error) {
		return t.ReleaseJobs(noCancel, query.ReleaseJobsParams{RunAt: t.now, ChangedAt: t.now, OrderID: id,
			Round: int64(round), EveryKind: 1, ByOwner: 1})
	})
}

// Redo has the files of such work made anew, of one piece or, with 0, of the round
// and of every piece that is broken: what was begun for them is given up,
// and clear removes what lies on disk, before any worker could find it. It is
// called in the transaction, and perhaps twice. Work that makes no files goes on
// from where it stopped.
func (o Owner) Redo(ctx context.Context, id string, piece int, clear func(kind order.Kind, round int) error) error {
	return o.again(ctx, id, func(t *tx, round int) (int64, error) {
		jobs, err := t.RedoJobs(noCancel, query.RedoJobsParams{RunAt: t.now, ChangedAt: t.now, OrderID: id, Round: int64(round), Piece: int64(piece)})
		if err != nil {
			return 0, err
		}
		for _, j := range jobs {
			if err := t.GiveUpCalls(noCancel, query.GiveUpCallsParams{ClosedAt: t.now, JobID: j.ID}); err != nil {
				return 0, err
			}
			if err := clear(j.Kind, int(j.Round)); err != nil {
				return 0, err
			}
		}
		if piece > 0 {
			return int64(len(jobs)), nil
		}
		rest, err := t.ReleaseJobs(noCancel, query.ReleaseJobsParams{RunAt: t.now, ChangedAt: t.now, OrderID: id,
			Round: int64(round), ByOwner: 1})
		return int64(len(jobs)) + rest, err
	})
}

// again makes work ready by release, which says how many jobs it has found, or
// opens a round beyond the cap.
func (o Owner) again(ctx context.Context, id string, release func(t *tx, round int) (int64, error)) error {
	before, err := o.Order(ctx, id)
	if err != nil {
		return err
	}
	return o.write("owner.retry", func(t *tx) error {
		if before.Code == order.CodeRoundCap && before.Status.Reopened() {
			return t.oneMoreRound(before)
		}
		if err := t.GiveUpUnknownCalls(noCancel, query.GiveUpUnknownCallsParams{ClosedAt: t.now, OrderID: id}); err != nil {
			return err
		}
		n, err := release(t, before.Round)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("order %s is %s and has no held, failed or cancelled work", id, before.State)
		}
		return t.owned(id, order.StateWorking, "", "", "retried by the owner")
	})
}

// oneMoreRound opens a round beyond the cap.
func (t *tx) oneMoreRound(o order.Order) error {
	if err := t.SetOrderRound(noCancel, query.SetOrderRoundParams{Round: int64(o.Round + 1), ID: o.ID}); err != nil {
		return err
	}
	if err := t.openJob(o.ID, order.KindDelivery, o.Round+1, order.StageGenerate, o.DueAt, t.now); err != nil {
		return err
	}
	return t.owned(o.ID, order.StateWorking, "", "", fmt.Sprintf("round %d begins, by the owner's word", o.Round+1))
}

// Cancel ends our work on an order. The order at the marketplace is untouched:
// there is no call by which an agent cancels one.
func (o Owner) Cancel(ctx context.Context, id, reason string) error {
	before, err := o.Order(ctx, id)
	if err != nil {
		return err
	}
	return o.write("owner.cancel", func(t *tx) error {
		n, err := t.OwnerCancel(noCancel, query.OwnerCancelParams{Reason: reason, ChangedAt: t.now, FinishedAt: t.now, OrderID: id})
		if err != nil {
			return err
		}
		if n == 0 && before.State == order.StateHeld && before.Code == order.CodeOwner {
			return fmt.Errorf("order %s was cancelled by you before", id)
		}
		if n == 0 && before.State != order.StateHeld {
			return fmt.Errorf("order %s is %s and has no work to cancel", id, before.State)
		}
		note := "cancelled by the owner"
		if reason != "" {
			note += ": " + reason
		}
		return t.owned(id, order.StateHeld, order.CodeOwner, reason, note)
	})
}

func (t *tx) owned(id string, s order.State, code order.Code, reason, note string) error {
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{State: s, Code: code, Reason: reason,
		ChangedAt: t.now, ID: id}); err != nil {
		return err
	}
	_, err := t.event(id, "owner", note)
	return err
}
