package fulfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// deliver hands the round over, at most once. The marketplace takes a delivery
// twice without a word, so the order is looked at before every send, and after
// one without an answer it is not sent again until a look that began when the
// send could no longer take effect has shown that it did not.
func (f *Fulfiller) deliver(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	s := f.o.Services[o.Service]
	kind, round := order.KindDelivery, j.Round
	if s.Subscription || !o.WorkspaceExpiresAt.IsZero() {
		last, err := f.windowOver(ctx, j, o, s)
		if err != nil {
			return order.Result{}, err
		}
		kind, round = order.KindPiece, last
	}
	pieces, urls, err := f.pieces(ctx, j.OrderID, kind, round)
	if err != nil {
		return order.Result{}, err
	}
	before, _, err := f.o.Store.Delivery(ctx, j.OrderID, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	seen, err := f.look(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, marketFailure(err)
	}
	switch judge(seen.Facts, before, j.Round, urls) {
	case landed:
		return order.Result{Delivery: order.DeliveryConfirmed, Note: "found delivered", Messages: s.messageFor(order.DeliveredTemplate(j.Round))}, nil
	case elsewhere:
		return order.Result{Delivery: order.DeliveryElsewhere, Note: "somebody else delivered it"}, nil
	case ended:
		return order.Result{}, &order.Failure{Class: order.Wait, Code: order.CodeEnded, After: endedRetry,
			Err: fmt.Errorf("the order is %.40q at the marketplace", seen.Facts.Status)}
	case unclear:
		return order.Result{}, order.Failf(order.Hold, order.CodeUnclear, "an earlier delivery had no answer, and the marketplace does not show whether it arrived").
			WithHint("look at the order there, then `atelierd orders retry %s` or `atelierd orders cancel %s`", j.OrderID, j.OrderID)
	}
	if before.State == order.DeliverySending {
		if rest := f.o.SettleWindow - seen.At.Sub(before.SentAt); rest > 0 {
			return order.Result{}, &order.Failure{Class: order.Wait, Code: order.CodeSettling, After: min(rest, lookAgain),
				Err: errors.New("an earlier delivery had no answer and may still arrive")}
		}
		if before.Tries >= f.o.MaxTries {
			return order.Result{}, order.Failf(order.Hold, order.CodeNeverArrived, "delivered %d times without an answer, and never arrived", before.Tries).
				WithHint("when the marketplace works again: `atelierd orders retry %s`", j.OrderID)
		}
	}
	if err := f.affordable(ctx, order.RequestDeliver); err != nil {
		return order.Result{}, err
	}
	if err := f.send(ctx, j, pieces, urls); err != nil {
		return order.Result{}, err
	}
	return order.Result{Delivery: order.DeliveryConfirmed, Messages: s.messageFor(order.DeliveredTemplate(j.Round))}, nil
}

// Delays of a delivery: how often an order is looked at while a send without an
// answer may still arrive, and while the next poll is to close an ended one.
const (
	lookAgain  = 10 * time.Second
	endedRetry = 30 * time.Second
)

// send commits the intent and then sends, in this order.
func (f *Fulfiller) send(ctx context.Context, j order.Job, pieces []atelier.Deliverable, urls []string) error {
	return f.effect(ctx, j, effect{
		intend:   func() error { return f.o.Store.Intend(j, urls) },
		send:     func() error { return f.o.Market.Deliver(ctx, j.OrderID, pieces) },
		withdraw: func(note string) error { return f.o.Store.Withdraw(j, note) },
	})
}

// effect is a request that changes the marketplace, with its durable record.
type effect struct {
	intend   func() error
	send     func() error
	withdraw func(note string) error
}

// effect commits the intent and then sends, in this order. Without an answer
// the intent stands, and the next attempt looks first; a request that certainly
// had no effect is withdrawn.
func (f *Fulfiller) effect(ctx context.Context, j order.Job, e effect) error {
	if err := e.intend(); err != nil {
		return err
	}
	err := e.send()
	if err == nil {
		return nil
	}
	if atelier.OutcomeUnknown(err) || ctx.Err() != nil {
		return marketFailure(err)
	}
	if withdrawErr := e.withdraw(err.Error()); withdrawErr != nil {
		return withdrawErr
	}
	if fail, ok := errors.AsType[*order.Failure](err); ok && fail.Class == order.Fail {
		// What the marketplace refuses of a live order is for the owner to see.
		held := *fail
		held.Class = order.Hold
		if held.Hint == "" {
			held.Hint = "mend the cause, then `atelierd orders retry " + j.OrderID + "`"
		}
		return &held
	}
	return marketFailure(err)
}

func (f *Fulfiller) pieces(ctx context.Context, orderID string, kind order.Kind, round int) (list []atelier.Deliverable, urls []string, err error) {
	files, err := f.o.Store.Artifacts(ctx, orderID, kind, round)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range files {
		if a.URL == "" {
			return nil, nil, order.Failf(order.Hold, order.CodeNotUploaded, "the file %s was never uploaded", a.Path).
				WithHint("`atelierd orders redo %s` makes it again", orderID)
		}
		list = append(list, atelier.Deliverable{URL: a.URL, Media: a.Media})
		urls = append(urls, a.URL)
	}
	if len(list) == 0 {
		return nil, nil, order.Failf(order.Hold, order.CodeNoFiles, "there are no files to deliver").
			WithHint("`atelierd orders redo %s` makes them", orderID)
	}
	return list, urls, nil
}
