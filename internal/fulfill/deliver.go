package fulfill

import (
	"context"
	"fmt"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// deliver delivers the round, at most once. The marketplace accepts a second
// delivery without an error, so every send follows a look at the order. After a
// send without an answer, only a look that begins after the settle window can
// allow another.
func (f *Fulfiller) deliver(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	s := f.o.Services[o.Service]
	kind, round := order.KindDelivery, j.Round
	if s.Subscription || !o.WorkspaceExpiresAt.IsZero() {
		last, err := f.windowOver(ctx, j, o)
		if err != nil {
			return order.Result{}, err
		}
		kind, round = order.KindPiece, last
	}
	pieces, err := f.pieces(ctx, j.OrderID, kind, round)
	if err != nil {
		return order.Result{}, err
	}
	done, err := f.beforeDelivery(ctx, j, urls(pieces))
	if err != nil {
		return order.Result{}, err
	}
	if done.Delivery == "" {
		if err := f.affordable(ctx, order.RequestDeliver); err != nil {
			return order.Result{}, err
		}
		if err := f.effect(ctx, j, effect{
			intend:   func() error { return f.o.Store.Intend(j, urls(pieces)) },
			send:     func() error { return f.o.Market.Deliver(ctx, j.OrderID, pieces) },
			withdraw: func(note string) error { return f.o.Store.Withdraw(j, note) },
		}); err != nil {
			return order.Result{}, err
		}
		done.Delivery = order.DeliveryConfirmed
	}
	if done.Delivery == order.DeliveryConfirmed {
		done.Messages = s.messageFor(order.DeliveredTemplate(j.Round))
	}
	return done, nil
}

// beforeDelivery looks at the order. Its result says how the round has ended; an
// empty one allows the delivery to be sent.
func (f *Fulfiller) beforeDelivery(ctx context.Context, j order.Job, urls []string) (order.Result, error) {
	before, _, err := f.o.Store.Delivery(ctx, j.OrderID, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	seen, err := f.look(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, marketFailure(err)
	}
	switch shown(seen.Facts, before, j.Round, urls) {
	case arrived:
		return order.Result{Delivery: order.DeliveryConfirmed, Note: "found delivered"}, nil
	case elsewhere:
		return order.Result{Delivery: order.DeliveryElsewhere, Note: "somebody else delivered it"}, nil
	case ended:
		return order.Result{}, &order.Failure{
			Class: order.Wait, Code: order.CodeEnded, After: endedRetry,
			Err: fmt.Errorf("the order is %.40q at the marketplace", seen.Facts.Status),
		}
	case unclear:
		return order.Result{}, order.Failf(order.Hold, order.CodeUnclear, "an earlier delivery had no answer, and the marketplace does not show whether it arrived").
			WithHint("look at the order there, then %s or %s", order.Command("orders retry", j.OrderID), order.Command("orders cancel", j.OrderID))
	}
	if before.State == order.DeliverySending {
		err = f.again(j, sending{"delivery", before.SentAt, before.Tries}, seen.At)
	}
	return order.Result{}, err
}

// pieces returns what is delivered of the stored files. Each must have been uploaded.
func (f *Fulfiller) pieces(ctx context.Context, orderID string, kind order.Kind, round int) ([]atelier.Deliverable, error) {
	files, err := f.o.Store.Artifacts(ctx, orderID, kind, round)
	if err != nil {
		return nil, err
	}
	var list []atelier.Deliverable
	for _, a := range files {
		if a.URL == "" {
			return nil, order.Failf(order.Hold, order.CodeNotUploaded, "the file %s was never uploaded", a.Path).
				WithHint("%s makes it again", order.Command("orders redo", orderID))
		}
		list = append(list, atelier.Deliverable{URL: a.URL, Media: a.Media})
	}
	if len(list) == 0 {
		return nil, order.Failf(order.Hold, order.CodeNoFiles, "there are no files to deliver").
			WithHint("%s makes them", order.Command("orders redo", orderID))
	}
	return list, nil
}

func urls(pieces []atelier.Deliverable) []string {
	var list []string
	for _, p := range pieces {
		list = append(list, p.URL)
	}
	return list
}
