package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Approve sends what is made for an order and waits for the owner's approval: files, a
// price, or pieces. Other work that is held or has failed stays so. What goes to the client
// does not begin within after, and TakeBack holds it again until then.
func (o Owner) Approve(ctx context.Context, id string, after time.Duration) error {
	before, err := o.asSeen(ctx, id, order.PartFiles)
	if err != nil {
		return err
	}
	return o.decide("owner.approve", id, order.PartFiles, func(t *tx) error {
		held, err := t.heldOf(id, append(order.ClientCodes(), order.CodeReview)...)
		if err != nil {
			return err
		}
		approved := len(held)
		for _, j := range held {
			if err := t.resume(j, ""); err != nil {
				return err
			}
			if err := t.delay(j, after); err != nil {
				return err
			}
		}
		client, err := t.approveClient(before, held)
		switch {
		case err != nil:
			return err
		case client && approved == 0 && before.State == order.StateHeld:
			return t.setByOwner(id, word{state: order.StateWaiting, note: order.ActApprove + " whatever the rules for clients say; the next poll decides"})
		case client:
			_, err = t.event(id, "owner", order.ActApprove+" whatever the rules for clients say")
			return err
		case approved == 0:
			return t.notApprovable(before)
		}
		_, err = t.event(id, "owner", order.ActApprove)
		return err
	})
}

// heldOf returns the work of an order that is held for one of the codes.
func (t *tx) heldOf(id string, codes ...order.Code) ([]query.HeldForRow, error) {
	rows, err := t.HeldOf(noCancel, query.HeldOfParams{OrderID: id, Codes: order.EncodeStrings(codes)})
	list := make([]query.HeldForRow, len(rows))
	for i, r := range rows {
		list[i] = query.HeldForRow(r)
	}
	return list, err
}

// notApprovable is why an order of which nothing waits cannot be approved.
func (t *tx) notApprovable(o order.Order) error {
	delayed, err := t.DelayedJobs(noCancel, query.DelayedJobsParams{OrderID: o.ID, NotBefore: t.now})
	switch {
	case err != nil:
		return err
	case len(delayed) > 0:
		return fmt.Errorf("order %s is approved already and goes to the client in %s", o.ID, delayed[0].NotBefore.Sub(t.now.Time).Round(time.Second))
	case o.Code == order.CodeReview:
		return fmt.Errorf("the marketplace does not list order %s at the moment; approve it once it does again", o.ID)
	}
	return fmt.Errorf("order %s is %s and does not wait for approval", o.ID, o.State)
}

// delay has approved work that goes to the client wait, or no longer.
func (t *tx) delay(j query.HeldForRow, after time.Duration) error {
	if after <= 0 || j.Stage.Lane() != order.LaneNetwork {
		return t.UndelayJob(noCancel, j.ID)
	}
	return t.DelayJob(noCancel, query.DelayJobParams{NotBefore: utc.At(t.now.Add(after)), ID: j.ID})
}

// TakeBack takes an approval back: what was approved with a delay, and has not begun, waits
// for approval again.
func (o Owner) TakeBack(ctx context.Context, id string) error {
	before, err := o.Order(ctx, id)
	if err != nil {
		return err
	}
	return o.write("owner.take_back", func(t *tx) error {
		jobs, err := t.DelayedJobs(noCancel, query.DelayedJobsParams{OrderID: id, NotBefore: t.now})
		if err != nil {
			return err
		}
		if len(jobs) == 0 {
			return t.notDelayed(before)
		}
		if _, err := t.event(id, "owner", order.ActTakeBack); err != nil {
			return err
		}
		f := order.Failf(order.Hold, order.CodeReview, "the approval was taken back, so it waits for your approval").
			WithHint("%s, %s or %s", order.Command("orders approve", id), order.Command("orders redo", id), order.Command("orders cancel", id))
		for _, j := range jobs {
			if err := t.HoldDelayed(noCancel, query.HoldDelayedParams{Reason: f.Error(), Hint: f.Hint, ChangedAt: t.now, ID: j.ID}); err != nil {
				return err
			}
			if err := t.needsOwner(1, nil, order.Job{OrderID: id, Kind: j.Kind, Round: int(j.Round)}, order.StateHeld, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// holdCancelled has work of a round that waited for an approval before the owner cancelled it
// wait for it again.
func (t *tx) holdCancelled(id string, round int) error {
	return t.HoldCancelled(noCancel, query.HoldCancelledParams{
		Reason: "the cancellation was taken back, so it waits for your approval again",
		Hint: fmt.Sprintf("%s names what was made; then %s, %s or %s", order.Command("orders show", id),
			order.Command("orders approve", id), order.Command("orders redo", id), order.Command("orders cancel", id)),
		ChangedAt: t.now, OrderID: id, Round: int64(round),
	})
}

// holdUnsent holds the delivery of a round again. It waited for the owner before its order was
// opened again.
func (t *tx) holdUnsent(id string, round int) error {
	rows, err := t.StillUnsent(noCancel, query.StillUnsentParams{OrderID: id, Round: int64(round)})
	if err != nil {
		return err
	}
	for _, r := range rows {
		f := order.Failf(order.Hold, r.Code, "the order is open again, and its files wait for your approval").
			WithHint("%s names what was made; then %s, %s or %s", order.Command("orders show", id),
				order.Command("orders approve", id), order.Command("orders redo", id), order.Command("orders cancel", id))
		if r.Code == order.CodeDryRun {
			f = order.Failf(order.Hold, r.Code, "the order is open again; its files were made in mode dry-run, and are not sent").
				WithHint("set the service's mode to auto or review and run %s; or send them with %s", order.Command("reload"), order.Command("orders retry", id))
		}
		if err := t.HoldReopened(noCancel, query.HoldReopenedParams{Reason: f.Error(), Hint: f.Hint, ChangedAt: t.now, ID: r.ID}); err != nil {
			return err
		}
		if err := t.needsOwner(1, nil, order.Job{OrderID: id, Kind: order.KindDelivery, Round: round, Stage: r.Stage}, order.StateHeld, f); err != nil {
			return err
		}
	}
	return nil
}

// WaitsForApproval reports whether something of an order waits for the owner's approval.
func (s *Store) WaitsForApproval(ctx context.Context, o order.Order) (bool, error) {
	rows, err := s.read.WaitForApproval(ctx, query.WaitForApprovalParams{OrderID: o.ID, Round: int64(o.Round)})
	return len(rows) > 0, err
}

// notDelayed is why an approval cannot be taken back.
func (t *tx) notDelayed(o order.Order) error {
	held, err := t.heldOf(o.ID, order.CodeReview)
	switch {
	case err != nil:
		return err
	case len(held) > 0:
		return fmt.Errorf("order %s is not approved, so there is nothing to take back", o.ID)
	case o.State == order.StateWorking:
		return fmt.Errorf("order %s is on its way to the client, so its approval can no longer be taken back", o.ID)
	}
	return fmt.Errorf("order %s is %s, and no approval of it can be taken back", o.ID, o.State)
}
