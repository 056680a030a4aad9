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
	again, open, err := f.o.Store.Redelivery(ctx, j.OrderID, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	if open {
		return f.redeliver(ctx, j, o, again)
	}
	s := f.o.Services[o.Service]
	before, _, err := f.o.Store.Delivery(ctx, j.OrderID, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	files, err := f.files(ctx, j, o, before)
	if err != nil {
		return order.Result{}, err
	}
	done, err := f.beforeDelivery(ctx, j, before, urls(files))
	if err != nil {
		return order.Result{}, err
	}
	if done.Delivery == "" {
		if err := f.affordable(ctx, order.RequestDeliver); err != nil {
			return order.Result{}, err
		}
		if err := f.effect(ctx, j, effect{
			intend:   func() error { return f.o.Store.Intend(j, urls(files)) },
			send:     func() error { return f.o.Market.Deliver(ctx, j.OrderID, files) },
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

// files returns what the round delivers. A window whose delivery was sent is sent
// again with the same files, whatever was made since then.
func (f *Fulfiller) files(ctx context.Context, j order.Job, o order.Order, before order.Delivery) ([]atelier.Deliverable, error) {
	switch {
	case !f.o.Services[o.Service].windowed(j, o):
		return f.pieces(ctx, j.OrderID, order.KindDelivery, j.Round)
	case before.State == order.DeliverySending:
		return f.sentFiles(ctx, before)
	}
	return f.windowFiles(ctx, j, o)
}

// sentFiles returns the files of a recorded delivery.
func (f *Fulfiller) sentFiles(ctx context.Context, d order.Delivery) ([]atelier.Deliverable, error) {
	all, err := f.o.Store.Artifacts(ctx, d.OrderID, order.KindDelivery, d.Round)
	if err != nil {
		return nil, err
	}
	pieces, err := f.o.Store.Pieces(ctx, d.OrderID)
	if err != nil {
		return nil, err
	}
	for _, p := range pieces {
		files, err := f.o.Store.Artifacts(ctx, d.OrderID, order.KindPiece, p.Number)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	media := map[string]string{}
	for _, a := range all {
		media[a.URL] = a.Media
	}
	var list []atelier.Deliverable
	for _, url := range d.URLs {
		if media[url] == "" {
			return nil, order.Failf(order.Hold, order.CodeNoFiles, "a file that was delivered is no longer known: %s", url).
				WithHint("look at the order at the marketplace, then %s or %s",
					order.Command("orders retry", d.OrderID), order.Command("orders cancel", d.OrderID))
		}
		list = append(list, atelier.Deliverable{URL: url, Media: media[url]})
	}
	return list, nil
}

// beforeDelivery looks at the order. Its result says how the round has ended; an
// empty one allows the delivery to be sent.
func (f *Fulfiller) beforeDelivery(ctx context.Context, j order.Job, before order.Delivery, urls []string) (order.Result, error) {
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
		return order.Result{}, endedAs(seen.Facts.Status)
	case unclear:
		return order.Result{}, order.Failf(order.Hold, order.CodeUnclear, "an earlier delivery had no answer, and the marketplace does not show whether it arrived").
			WithHint("look at the order there, then %s or %s", order.Command("orders retry", j.OrderID), order.Command("orders cancel", j.OrderID))
	}
	if before.State == order.DeliverySending {
		err = f.again(j, sending{"delivery", before.SentAt, before.Tries}, seen.At)
	}
	return order.Result{}, err
}

// endedAs is the failure of work on an order that takes no delivery now.
func endedAs(status order.Status) *order.Failure {
	return &order.Failure{
		Class: order.Wait, Code: order.CodeEnded, After: endedRetry,
		Err: fmt.Errorf("the order is %.40q at the marketplace", status),
	}
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
