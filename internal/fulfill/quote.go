package fulfill

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// Pricing is how a service finds the price of an order that asks for one: a
// fixed price or the owner's program, within bounds.
type Pricing struct {
	Fixed   order.USD       // 0 for none
	Command generate.Pricer // nil for none
	// Min and Max refuse nonsense; 0 is no bound.
	Min, Max order.USD
}

// price finds the price of an order that asks for one.
func (f *Fulfiller) price(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	s := f.o.Services[o.Service]
	p := s.Pricing
	if p == nil {
		return order.Result{}, order.Failf(order.Hold, order.CodeQuoteNeeded, "the client asks for a price").
			WithHint("`atelierd quote %s PRICE` names it", o.ID)
	}
	priced := order.Priced{Price: p.Fixed, Source: order.SourceFixed}
	if p.Command != nil {
		// The pictures are not fetched for an order that nobody has paid for.
		req, err := f.request(ctx, j, o, s, f.attemptDir(j, nil))
		if err != nil {
			return order.Result{}, err
		}
		if req.Prompt, err = f.prompt(ctx, s, req); err != nil {
			return order.Result{}, err
		}
		priced.Source = order.SourceCommand
		if priced.Price, err = p.Command.Price(ctx, req); err != nil {
			return order.Result{}, declined(err, o.ID)
		}
		if err := ClearWork(f.o.Dir, j.OrderID, j.Kind, j.Round); err != nil {
			f.o.Log.Warn("the work folder could not be cleared", "order", j.OrderID, "error", err)
		}
	}
	if priced.Price%(order.Dollar/100) != 0 {
		priced.Price += order.Dollar/100 - priced.Price%(order.Dollar/100) // up to a whole cent
	}
	if p.Min > 0 && priced.Price < p.Min || p.Max > 0 && priced.Price > p.Max {
		return order.Result{}, order.Failf(order.Hold, order.CodeQuoteBounds, "the price $%s is outside of what the service allows, $%s to $%s",
			priced.Price, p.Min, p.Max).WithHint("`atelierd quote %s PRICE` names one all the same", o.ID)
	}
	return order.Result{Next: order.StageQuote, Priced: &priced, Hold: s.QuoteApproval}, nil
}

// declined turns the pricing command's refusal into a matter for the owner:
// there is no call by which an agent declines an order.
func declined(err error, id string) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Class != order.Fail {
		return err
	}
	own := *fail
	own.Class, own.Code = order.Hold, order.CodeQuoteDeclined
	own.Hint = "leave it unanswered, or name a price: `atelierd quote " + id + " PRICE`"
	return &own
}

// quote asks the client for the price, once. The marketplace takes a quote only
// while the order waits for one, so the order itself shows whether an earlier
// request without an answer has arrived.
func (f *Fulfiller) quote(ctx context.Context, j order.Job) (order.Result, error) {
	q, ok, err := f.o.Store.Quote(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, err
	}
	if !ok {
		return order.Result{}, order.Failf(order.Hold, order.CodeNoPrice, "there is no price to ask for").
			WithHint("`atelierd quote %s PRICE` names it", j.OrderID)
	}
	seen, err := f.look(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, marketFailure(err)
	}
	if status := seen.Facts.Status; status != order.PendingQuote {
		return quoteOver(q, seen.Facts)
	}
	if q.State == order.QuoteSending {
		if rest := f.o.SettleWindow - seen.At.Sub(q.SentAt); rest > 0 {
			return order.Result{}, settling("quote", rest)
		}
		if q.Tries >= f.o.MaxTries {
			return order.Result{}, noAnswer(j, q.Tries)
		}
	}
	if err := f.affordable(ctx, order.RequestQuote); err != nil {
		return order.Result{}, err
	}
	if err := f.effect(ctx, j, effect{
		intend:   func() error { return f.o.Store.IntendQuote(j) },
		send:     func() error { return f.o.Market.Quote(ctx, j.OrderID, q.Price) },
		withdraw: func(note string) error { return f.o.Store.WithdrawQuote(j, note) },
	}); err != nil {
		return order.Result{}, err
	}
	return order.Result{Quote: order.QuoteConfirmed, Note: "$" + q.Price.String()}, nil
}

// quoteOver says what became of a quote whose order waits for none any more.
func quoteOver(q order.Quote, f order.Facts) (order.Result, error) {
	switch {
	case f.Status == order.Cancelled || f.Status == order.Completed || !f.Status.Known():
		return order.Result{}, &order.Failure{Class: order.Wait, Code: order.CodeEnded, After: endedRetry,
			Err: errors.New("the order waits for no quote any more")}
	case q.State == order.QuoteSending && (f.Price == nil || *f.Price == q.Price):
		return order.Result{Quote: order.QuoteConfirmed, Note: "found quoted at $" + q.Price.String()}, nil
	}
	return order.Result{Quote: order.QuoteElsewhere, Note: "somebody else quoted it"}, nil
}

// settling is the wait for a request without an answer that may still arrive.
func settling(what string, rest time.Duration) error {
	return &order.Failure{Class: order.Wait, Code: order.CodeSettling, After: min(rest, lookAgain),
		Err: errors.New("an earlier " + what + " had no answer and may still arrive")}
}

// noAnswer is the end of sending again and again.
func noAnswer(j order.Job, tries int) error {
	return order.Failf(order.Hold, order.CodeNeverArrived, "sent %d times without an answer, and never arrived", tries).
		WithHint("when the marketplace works again: `atelierd orders retry %s`", j.OrderID)
}
