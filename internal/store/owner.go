package store

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Owner runs the owner's short transactions, with or without a running daemon. It
// does not wake the daemon; see Holder.
// Package owner has the actions that commands call.
type Owner struct {
	*Store
	// By is who acts. Each event of a transaction of the owner's has it.
	By order.Actor
	// preview: nothing is changed.
	preview bool
	// in is the transaction of a rehearsal; nil for one of its own.
	in *tx
	// seen is what the owner has seen of the order; empty for an owner who acts on the
	// order as it is.
	seen order.Fingerprint
	// pauses is whether what is paused is as the owner has seen it; nil for an owner who acts
	// on it as it is.
	pauses func([]order.Pause) bool
}

// OpenOwner opens the database of dir for changes of by. All that this process writes has
// by as its actor. It creates and migrates nothing, and it takes no lock.
func OpenOwner(dir string, by order.Actor) (Owner, error) {
	path, err := existing(dir)
	if err != nil {
		return Owner{}, err
	}
	s := newStore(Options{Dir: dir})
	s.by = by
	if err := s.openOwner(path); err != nil {
		s.Close()
		return Owner{}, err
	}
	return Owner{Store: s, By: by}, nil
}

// As returns an Owner for whom somebody else acts.
func (o Owner) As(by order.Actor) Owner {
	o.By = by
	return o
}

// write is Store.write for the owner, who is the actor of its events.
func (o Owner) write(name string, fn func(*tx) error) error {
	if o.in != nil {
		return o.in.undone(fn)
	}
	if !o.preview {
		return o.writer.do(&request{name: name, fn: fn, by: o.By})
	}
	err := o.writer.do(&request{name: name, by: o.By, fn: func(t *tx) error {
		if err := fn(t); err != nil {
			return err
		}
		return errPreview
	}})
	if errors.Is(err, errPreview) {
		return nil
	}
	return err
}

// Note appends an event to the timeline of orderID, or of the daemon if it is empty.
func (o Owner) Note(orderID, kind, text string) error {
	return o.write("event", func(t *tx) error {
		_, err := t.event(orderID, kind, text)
		return err
	})
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

// Retry makes the held, failed and cancelled jobs of an order ready again, from the
// stage where they stopped and with fresh attempts. What waits for an approval still does,
// also if it was cancelled meanwhile. If there is nothing else, the error says so.
func (o Owner) Retry(ctx context.Context, id string) error {
	return o.again(ctx, id, order.ActRetry, order.Redo{}, func(t *tx, round int) (int64, error) {
		if err := t.holdCancelled(id, round); err != nil {
			return 0, err
		}
		return t.ReleaseJobs(noCancel, query.ReleaseJobsParams{
			RunAt: t.now, ChangedAt: t.now, OrderID: id,
			Round: int64(round), EveryKind: 1, ByOwner: 1,
		})
	})
}

// Redo is Retry, but makes the files again: those of one piece or, if want.Piece is 0,
// those of the round and of every broken piece. Each gets another take, as want says.
// Their open calls are cancelled at the provider or given up.
// clear removes their files from the disk before a worker can find them. It is
// called in the transaction, perhaps more than once. Jobs that make no files
// resume where they stopped.
func (o Owner) Redo(ctx context.Context, id string, want order.Redo, clear func(kind order.Kind, round int) error) error {
	return o.again(ctx, id, order.ActRedo, want, func(t *tx, round int) (int64, error) {
		jobs, err := t.RedoJobs(noCancel, query.RedoJobsParams{RunAt: t.now, ChangedAt: t.now, OrderID: id, Round: int64(round), Piece: int64(want.Piece)})
		if err != nil {
			return 0, err
		}
		for _, j := range jobs {
			if err := t.giveUpCalls(j.ID); err != nil {
				return 0, err
			}
			if err := t.openTake(order.Job{OrderID: id, Kind: j.Kind, Round: int(j.Round)}, want); err != nil {
				return 0, err
			}
			if err := clear(j.Kind, int(j.Round)); err != nil {
				return 0, err
			}
		}
		switch {
		case want.Piece > 0:
			return int64(len(jobs)), nil
		case len(jobs) == 0 && (want.Instructions != "" || want.FromThese):
			return 0, fmt.Errorf("order %s has no files that can be made again now", id)
		}
		rest, err := t.ReleaseJobs(noCancel, query.ReleaseJobsParams{
			RunAt: t.now, ChangedAt: t.now, OrderID: id,
			Round: int64(round), ByOwner: 1,
		})
		return int64(len(jobs)) + rest, err
	})
}

// again makes jobs ready with release, which returns how many there were. If the
// order is held at its last round, it opens another round instead, as want says. note is
// for the timeline.
func (o Owner) again(ctx context.Context, id, note string, want order.Redo, release func(t *tx, round int) (int64, error)) error {
	before, err := o.asSeen(ctx, id, order.PartFiles)
	if err != nil {
		return err
	}
	if err := kept(before); err != nil {
		return err
	}
	return o.decide("owner.retry", id, order.PartFiles, func(t *tx) error {
		known, err := t.knownIDs([]string{id})
		if err != nil {
			return err
		}
		k := known[id].Known
		if k.AtTheEnd() && before.Status.Reopened() {
			return t.oneMoreRound(before, want)
		}
		if err := t.GiveUpUnknownCalls(noCancel, query.GiveUpUnknownCallsParams{ClosedAt: t.now, OrderID: id}); err != nil {
			return err
		}
		n, err := release(t, before.Round)
		if err != nil {
			return err
		}
		return t.released(before, k, n, note)
	})
}

// released sets the state of an order after the owner has made n of its jobs ready. An order
// whose files or price wait for an approval still waits for it.
func (t *tx) released(o order.Order, k order.Known, n int64, note string) error {
	waiting, err := t.WaitForApproval(noCancel, query.WaitForApprovalParams{OrderID: o.ID, Round: int64(o.Round)})
	if err != nil {
		return err
	}
	if n > 0 {
		if err := t.SetOrderRestored(noCancel, query.SetOrderRestoredParams{ID: o.ID}); err != nil {
			return err
		}
	}
	waits := len(waiting) > 0
	switch {
	case waits && n == 0 && !k.OwnerCancelled:
		return order.Failf(order.Hold, order.CodeReview, "order %s waits for your approval, and a retry sends nothing without one", o.ID).
			WithHint("%s or %s; %s names what was made", order.Command("orders approve", o.ID), order.Command("orders redo", o.ID), order.Command("orders show", o.ID))
	case waits && waiting[0].Kind != order.KindPiece:
		return t.setByOwner(o.ID, word{state: order.StateHeld, code: order.CodeReview, reason: waiting[0].Reason, hint: waiting[0].Hint, note: note})
	case waits, n > 0:
		return t.setByOwner(o.ID, word{state: order.StateWorking, note: note})
	case k.OwnerCancelled:
		return t.setByOwner(o.ID, word{state: order.StateWaiting, note: order.ActUncancel + "; the next poll decides"})
	}
	return fmt.Errorf("order %s is %s and has no held, failed or cancelled work", o.ID, o.State)
}

// oneMoreRound opens a round beyond the cap on rounds, with a first take as want says.
func (t *tx) oneMoreRound(o order.Order, want order.Redo) error {
	if err := t.SetOrderRound(noCancel, query.SetOrderRoundParams{Round: int64(o.Round + 1), ID: o.ID}); err != nil {
		return err
	}
	j := order.Job{
		OrderID: o.ID, Kind: order.KindDelivery, Round: o.Round + 1,
		Stage: order.StageGenerate, DueAt: o.DueAt,
	}
	if err := t.openJob(j, t.now); err != nil {
		return err
	}
	if want.Instructions != "" || want.FromThese {
		if err := t.putTake(j, 1, want); err != nil {
			return err
		}
	}
	return t.setByOwner(o.ID, word{state: order.StateWorking, note: fmt.Sprintf("%s: round %d", order.ActRound, o.Round+1)})
}

// Cancel ends our work on an order. The order at the marketplace stays as it is:
// the marketplace has no request by which an agent cancels one.
func (o Owner) Cancel(ctx context.Context, id, reason string) error {
	before, err := o.asSeen(ctx, id, order.PartOrder|order.PartFiles)
	if err != nil {
		return err
	}
	return o.decide("owner.cancel", id, order.PartOrder|order.PartFiles, func(t *tx) error {
		n, err := t.OwnerCancel(noCancel, query.OwnerCancelParams{Reason: reason, ChangedAt: t.now, FinishedAt: t.now, OrderID: id})
		if err != nil {
			return err
		}
		if n == 0 && before.State == order.StateHeld && before.Code == order.CodeOwner {
			return fmt.Errorf("order %s is already cancelled by you", id)
		}
		if n == 0 && before.State != order.StateHeld {
			return fmt.Errorf("order %s is %s and has no work to cancel", id, before.State)
		}
		if err := t.cancelOrderCalls(id); err != nil {
			return err
		}
		note := order.ActCancel
		if reason != "" {
			note += ": " + reason
		}
		return t.setByOwner(id, word{
			state: order.StateHeld, code: order.CodeOwner, reason: reason, note: note,
			hint: "to take that back, run " + order.Command("orders retry", id),
		})
	})
}

// word is what the owner says about an order: the state that follows, why, and a line
// for the timeline.
type word struct {
	state        order.State
	code         order.Code
	reason, hint string
	note         string
}

// setByOwner records the owner's word. A cancellation stands until the owner says
// something else or the client acts, whatever state the order is shown in meanwhile.
func (t *tx) setByOwner(id string, w word) error {
	since := utc.Time{}
	if w.code == order.CodeOwner {
		since = t.now
	}
	if err := t.SetOwnerCancelled(noCancel, query.SetOwnerCancelledParams{OwnerCancelledAt: since, ID: id}); err != nil {
		return err
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{
		State: w.state, Code: w.code, Reason: w.reason, Hint: w.hint,
		ChangedAt: t.now, ID: id,
	}); err != nil {
		return err
	}
	_, err := t.event(id, "owner", w.note)
	return err
}
