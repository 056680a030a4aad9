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
func (f *Fulfiller) deliver(ctx context.Context, j order.Job) (order.Result, error) {
	pieces, urls, err := f.pieces(ctx, j)
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
		return order.Result{Delivery: order.DeliveryConfirmed, Note: "found delivered"}, nil
	case elsewhere:
		return order.Result{Delivery: order.DeliveryElsewhere, Note: "somebody else delivered it"}, nil
	case ended:
		return order.Result{}, &order.Failure{Class: order.Wait, Code: "ended", After: endedRetry,
			Err: fmt.Errorf("the order is %.40q at the marketplace", seen.Facts.Status)}
	case unclear:
		return order.Result{}, order.Failf(order.Hold, "unclear", "an earlier delivery had no answer, and the marketplace does not show whether it arrived").
			WithHint("look at the order there, then `atelierd orders retry %s` or `atelierd orders cancel %s`", j.OrderID, j.OrderID)
	}
	if before.State == order.DeliverySending {
		if rest := f.o.Settle - seen.At.Sub(before.SentAt); rest > 0 {
			return order.Result{}, &order.Failure{Class: order.Wait, Code: "settling", After: min(rest, lookAgain),
				Err: errors.New("an earlier delivery had no answer and may still arrive")}
		}
		if before.Tries >= f.o.MaxTries {
			return order.Result{}, order.Failf(order.Hold, "no_answer", "delivered %d times without an answer, and never arrived", before.Tries).
				WithHint("when the marketplace works again: `atelierd orders retry %s`", j.OrderID)
		}
	}
	if err := f.affordable(ctx, order.CallDeliver); err != nil {
		return order.Result{}, err
	}
	return f.send(ctx, j, pieces, urls)
}

// Delays of a delivery: how often an order is looked at while a send without an
// answer may still arrive, and while the next poll is to close an ended one.
const (
	lookAgain  = 10 * time.Second
	endedRetry = 30 * time.Second
)

// send commits the intent and then sends, in this order.
func (f *Fulfiller) send(ctx context.Context, j order.Job, pieces []atelier.Deliverable, urls []string) (order.Result, error) {
	if err := f.o.Store.Intend(j, urls); err != nil {
		return order.Result{}, err
	}
	err := f.o.Market.Deliver(ctx, j.OrderID, pieces)
	if err == nil {
		return order.Result{Delivery: order.DeliveryConfirmed}, nil
	}
	if atelier.OutcomeUnknown(err) || ctx.Err() != nil {
		return order.Result{}, marketFailure(err) // the intent stands; the next attempt looks first
	}
	if withdrawErr := f.o.Store.Withdraw(j, err.Error()); withdrawErr != nil {
		return order.Result{}, withdrawErr
	}
	if fail, ok := errors.AsType[*order.Failure](err); ok && fail.Class == order.Fail {
		// A refused delivery of a paid order is for the owner to see.
		held := *fail
		held.Class = order.Hold
		if held.Hint == "" {
			held.Hint = "mend the cause, then `atelierd orders retry " + j.OrderID + "`"
		}
		return order.Result{}, &held
	}
	return order.Result{}, marketFailure(err)
}

func (f *Fulfiller) pieces(ctx context.Context, j order.Job) (list []atelier.Deliverable, urls []string, err error) {
	files, err := f.o.Store.Artifacts(ctx, j.OrderID, j.Round)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range files {
		if a.URL == "" {
			return nil, nil, order.Failf(order.Hold, "not_uploaded", "the file %s was never uploaded", a.Path).
				WithHint("`atelierd orders retry %s --fresh` makes it again", j.OrderID)
		}
		list = append(list, atelier.Deliverable{URL: a.URL, Media: a.Media})
		urls = append(urls, a.URL)
	}
	if len(list) == 0 {
		return nil, nil, order.Failf(order.Hold, "no_files", "there are no files to deliver").
			WithHint("`atelierd orders retry %s --fresh` makes them", j.OrderID)
	}
	return list, urls, nil
}
