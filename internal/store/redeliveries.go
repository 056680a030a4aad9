package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Redelivery returns the redelivery of a round that is not over; ok is false if there
// is none.
func (s *Store) Redelivery(ctx context.Context, orderID string, round int) (r order.Redelivery, ok bool, err error) {
	rows, err := s.read.OpenRedelivery(ctx, query.OpenRedeliveryParams{OrderID: orderID, Round: int64(round)})
	if err != nil || len(rows) == 0 {
		return r, false, err
	}
	row := rows[0]
	return order.Redelivery{
		OrderID: row.OrderID, Round: int(row.Round), N: int(row.N), Reason: row.Reason, State: row.State,
		Tries: int(row.Tries), SentAt: row.SentAt.Time,
	}, true, nil
}

// IntendAgain is Intend for a redelivery.
func (s *Store) IntendAgain(j order.Job, r order.Redelivery, urls []string) error {
	return s.write("deliver.again", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.IntendRedelivery(noCancel, query.IntendRedeliveryParams{
			Urls: order.EncodeStrings(urls), SentAt: t.now,
			OrderID: r.OrderID, Round: int64(r.Round), N: int64(r.N),
		}); err != nil {
			return err
		}
		return t.effect(j.OrderID, "delivering again", fmt.Sprintf("round %d, redelivery %d", r.Round, r.N))
	})
}

// WithdrawAgain is Withdraw for a redelivery.
func (s *Store) WithdrawAgain(j order.Job, _ order.Redelivery, note string) error {
	return s.write("deliver.again_withdraw", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.endRedelivery(j.OrderID, j.Round, order.DeliveryRefused, note)
	})
}

func (t *tx) endRedelivery(orderID string, round int, state order.DeliveryState, note string) error {
	return t.EndRedelivery(noCancel, query.EndRedeliveryParams{
		State: state, SettledAt: t.now, Note: note,
		OrderID: orderID, Round: int64(round),
	})
}

// redelivered records the outcome of a redelivery. One that was dropped was not
// needed: the next poll finds what the order is then.
func (t *tx) redelivered(j order.Job, state order.DeliveryState, note string) error {
	if err := t.endRedelivery(j.OrderID, j.Round, state, note); err != nil {
		return err
	}
	if err := t.SetOrderState(noCancel, query.SetOrderStateParams{State: order.StateDelivered, ChangedAt: t.now, ID: j.OrderID}); err != nil {
		return err
	}
	text, kind := fmt.Sprintf("round %d", j.Round), "delivered again"
	if note != "" {
		text += ": " + note
	}
	if state == order.DeliveryDropped {
		_, err := t.event(j.OrderID, "not delivered again", text)
		return err
	}
	t.says(func(log *slog.Logger) { log.Info("delivered again", "order", j.OrderID, "round", j.Round) })
	return t.effect(j.OrderID, kind, text)
}

// again carries out JobsAgain and JobsDone.
func (t *tx) again(id string, d order.Decision) error {
	if d.Jobs == order.JobsDone {
		if err := t.endRedelivery(id, d.Round, order.DeliveryDropped, d.Note); err != nil {
			return err
		}
		return t.FinishJobs(noCancel, query.FinishJobsParams{ChangedAt: t.now, FinishedAt: t.now, OrderID: id, Round: int64(d.Round)})
	}
	if err := t.InsertRedelivery(noCancel, query.InsertRedeliveryParams{
		OrderID: id, Round: int64(d.Round),
		Reason: order.AgainForPaid, CreatedAt: t.now,
	}); err != nil {
		return err
	}
	_, err := t.deliverAgain(id, d.Round, order.StageDeliver)
	return err
}

// deliverAgain lets the job of a delivered round run once more.
func (t *tx) deliverAgain(id string, round int, stage order.Stage) (int64, error) {
	t.changed.lane(stage.Lane())
	return t.DeliverAgain(noCancel, query.DeliverAgainParams{
		Stage: stage, Lane: stage.Lane(), Priority: priority(stage),
		RunAt: t.now, ChangedAt: t.now, OrderID: id, Round: int64(round),
	})
}

// Again is a redelivery, as shown to people.
type Again struct {
	order.Redelivery
	URLs    []string
	Settled time.Time
	Note    string
}

func (s *Store) readRedeliveries(ctx context.Context, h *History) error {
	rows, err := s.read.OrderRedeliveries(ctx, h.Order.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a := Again{Redelivery: order.Redelivery{
			OrderID: r.OrderID, Round: int(r.Round), N: int(r.N), Reason: r.Reason,
			State: r.State, Tries: int(r.Tries), SentAt: r.SentAt.Time,
		}, Settled: r.SettledAt.Time, Note: r.Note}
		if err := json.Unmarshal([]byte(r.Urls), &a.URLs); err != nil {
			return err
		}
		h.Redeliveries = append(h.Redeliveries, a)
	}
	return nil
}

// AskFromBrief opens piece 1 of a window in which nothing was asked for, with the
// brief as the request. If there is a piece, it does nothing.
func (s *Store) AskFromBrief(j order.Job) error {
	return s.write("piece.brief", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		return t.askFromBrief(j, "nothing was asked for: piece 1 is made from the brief")
	})
}

// askFromBrief opens piece 1 of a window without pieces, due with j. note is for the timeline.
func (t *tx) askFromBrief(j order.Job, note string) error {
	n, err := t.AskFromBrief(noCancel, query.AskFromBriefParams{CreatedAt: t.now, OrderID: j.OrderID})
	if err != nil || n == 0 {
		return err
	}
	if _, err := t.event(j.OrderID, "piece", note); err != nil {
		return err
	}
	return t.openJob(order.Job{OrderID: j.OrderID, Kind: order.KindPiece, Round: 1, Stage: order.StageGenerate, DueAt: j.DueAt}, t.now)
}

// Resubmit has the files of a delivered round replaced: the round is made again and
// delivered again, in a row of its own. prepare readies the disk for that. It is
// called in the transaction, perhaps more than once. A window that fell back to paid
// is delivered again with the same pieces.
func (o Owner) Resubmit(ctx context.Context, id string, prepare func(round int) error) error {
	before, err := o.asSeen(ctx, id, order.PartOrder|order.PartFiles)
	if err != nil {
		return err
	}
	d, _, err := o.Delivery(ctx, id, before.Round)
	if err != nil {
		return err
	}
	pieces, err := o.Pieces(ctx, id)
	if err != nil {
		return err
	}
	window := len(pieces) > 0 && before.Round == 0
	if err := resubmittable(before, d, window); err != nil {
		return err
	}
	reason, stage := order.AgainForOwner, order.StageGenerate
	if window {
		reason, stage = order.AgainForPaid, order.StageDeliver
	}
	return o.decide("owner.resubmit", id, order.PartOrder|order.PartFiles, func(t *tx) error {
		if err := t.endRedelivery(id, before.Round, order.DeliveryDropped, "the owner delivers it again"); err != nil {
			return err
		}
		if err := t.InsertRedelivery(noCancel, query.InsertRedeliveryParams{
			OrderID: id, Round: int64(before.Round), Reason: reason, CreatedAt: t.now,
		}); err != nil {
			return err
		}
		n, err := t.deliverAgain(id, before.Round, stage)
		switch {
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("round %d of order %s is being worked on", before.Round, id)
		}
		if !window {
			if err := prepare(before.Round); err != nil {
				return err
			}
		}
		return t.setByOwner(id, word{state: order.StateWorking, note: order.ActResubmit})
	})
}

// resubmittable is nil when the files of the order's round can be replaced.
func resubmittable(o order.Order, d order.Delivery, window bool) error {
	delivered := o.Status == order.Delivered || o.Status == order.Paid || o.Status == order.InProgress
	switch {
	case d.State != order.DeliveryConfirmed:
		return fmt.Errorf("order %s is %s, and round %d was not delivered by us", o.ID, o.State, o.Round)
	case window && o.Status != order.Paid:
		return fmt.Errorf("order %s is the window of a subscription, whose pieces are messages; write to the client instead", o.ID)
	case !delivered:
		return fmt.Errorf("order %s is %s at the marketplace, where its files can no longer be replaced", o.ID, o.Status)
	}
	return nil
}
