package fulfill

import (
	"context"
	"fmt"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// redeliver delivers a round that is delivered already once more. It never touches
// the record of the first delivery.
func (f *Fulfiller) redeliver(ctx context.Context, j order.Job, o order.Order, r order.Redelivery) (order.Result, error) {
	files, err := f.redelivered(ctx, j, o)
	if err != nil {
		return order.Result{}, err
	}
	seen, err := f.look(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, marketFailure(err)
	}
	done, err := afterLook(j, r, seen.Facts, urls(files))
	if err != nil || done.Redelivery != "" {
		return done, err
	}
	if r.State == order.DeliverySending {
		if err := f.again(j, sending{"delivery", r.SentAt, r.Tries}, seen.At); err != nil {
			return order.Result{}, err
		}
	}
	if err := f.affordable(ctx, order.RequestDeliver); err != nil {
		return order.Result{}, err
	}
	if err := f.effect(ctx, j, effect{
		intend:   func() error { return f.o.Store.IntendAgain(j, r, urls(files)) },
		send:     func() error { return f.o.Market.Deliver(ctx, j.OrderID, files) },
		withdraw: func(note string) error { return f.o.Store.WithdrawAgain(j, r, note) },
	}); err != nil {
		return order.Result{}, err
	}
	return order.Result{Redelivery: order.DeliveryConfirmed}, nil
}

// redelivered returns the files of a redelivery: those of the round, or those that
// ended a window.
func (f *Fulfiller) redelivered(ctx context.Context, j order.Job, o order.Order) ([]atelier.Deliverable, error) {
	if !f.o.Services[o.Service].windowed(j, o) {
		return f.pieces(ctx, j.OrderID, order.KindDelivery, j.Round)
	}
	first, _, err := f.o.Store.Delivery(ctx, j.OrderID, j.Round)
	if err != nil {
		return nil, err
	}
	return f.sentFiles(ctx, first)
}

// afterLook says what the look at the order makes of a redelivery. A result without
// an outcome allows it to be sent.
func afterLook(j order.Job, r order.Redelivery, facts order.Facts, urls []string) (order.Result, error) {
	done := facts.Status == order.Delivered || facts.Status == order.Completed
	ours := containsAll(facts.Deliverables, urls)
	switch {
	case facts.Status == order.Cancelled || facts.Status == order.Completed && r.Reason == order.AgainForOwner && !ours:
		return order.Result{}, endedAs(facts.Status)
	case r.Reason == order.AgainForOwner && ours:
		return order.Result{Redelivery: order.DeliveryConfirmed, Note: "found delivered"}, nil
	case r.Reason == order.AgainForOwner && r.State == order.DeliverySending && facts.Shown == order.ShownUnknown:
		return order.Result{}, order.Failf(order.Hold, order.CodeUnclear, "a delivery had no answer, and the marketplace does not show whether it arrived").
			WithHint("look at the order there, then %s or %s", order.Command("orders retry", j.OrderID), order.Command("orders cancel", j.OrderID))
	case r.Reason == order.AgainForOwner && !facts.Status.Reopened() && (done || facts.Status.TakesDelivery()):
		return order.Result{}, nil
	case done && r.State == order.DeliverySending:
		// The files are shown either way. Only the status shows what arrived.
		return order.Result{Redelivery: order.DeliveryConfirmed, Note: "found delivered"}, nil
	case done, facts.Status.Reopened():
		return order.Result{Redelivery: order.DeliveryDropped, Note: fmt.Sprintf("the order is %s", facts.Status)}, nil
	case facts.Status == order.Paid && ours:
		return order.Result{}, nil
	case facts.Status == order.Paid || facts.Status == order.InProgress:
		return order.Result{}, order.Failf(order.Hold, order.CodeNotShown, "delivered, but the marketplace shows it as %s without our files", facts.Status).
			WithHint("look at the order at the marketplace; then %s looks again, and %s makes and delivers new files",
				order.Command("orders retry", j.OrderID), order.Command("orders resubmit", j.OrderID))
	}
	return order.Result{}, endedAs(facts.Status)
}
