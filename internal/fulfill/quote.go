package fulfill

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// Pricing finds the price of an order that asks for one: a fixed price, the owner's program
// or the assistant, within bounds.
type Pricing struct {
	Fixed   order.USD       // 0 for none
	Command generate.Pricer // nil for none
	// By proposes the price; nil for none. It never goes out of the bounds.
	By *Assistant
	// Min and Max bound the price; 0 is no bound.
	Min, Max order.USD
}

// price finds the price of an order that asks for one.
func (f *Fulfiller) price(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	if err := f.allowed(ctx, j, o); err != nil {
		return order.Result{}, err
	}
	s := f.o.Services[o.Service]
	p := s.Pricing
	if p == nil {
		return order.Result{}, order.Failf(order.Hold, order.CodeQuoteNeeded, "the client asks for a price").
			WithHint("%s names it", order.Command("quote", o.ID, "PRICE"))
	}
	if err := f.notPaused(ctx, o); err != nil {
		return order.Result{}, err
	}
	priced := order.Priced{Price: p.Fixed, Source: order.SourceFixed}
	var by proposal
	var err error
	switch {
	case p.Command != nil:
		priced, err = f.command(ctx, j, o)
	case p.By != nil:
		by, err = f.proposed(ctx, j, o)
		priced = order.Priced{Price: by.price, Source: order.SourceAssistant}
	}
	if err != nil {
		return order.Result{}, err
	}
	if priced.Price%(order.Dollar/100) != 0 {
		priced.Price += order.Dollar/100 - priced.Price%(order.Dollar/100) // up to a whole cent
	}
	if p.Min > 0 && priced.Price < p.Min || p.Max > 0 && priced.Price > p.Max {
		return order.Result{}, p.outside(o.ID, priced, by)
	}
	hold := f.now(s).QuoteApproval
	if hold == nil {
		hold = f.blocked(o)
	}
	return order.Result{Next: order.StageQuote, Priced: &priced, Hold: hold, Asked: by.call, Note: by.note}, nil
}

// outside returns why a price that is out of bounds is not quoted. A price of the assistant has
// its own code, because asking for another one costs money. A change of the configuration does
// not do that; the owner does.
func (p *Pricing) outside(id string, priced order.Priced, by proposal) *order.Failure {
	why := fmt.Sprintf("the price $%s is outside the bounds of the service, $%s to $%s", priced.Price, p.Min, p.Max)
	quotes, reload := order.Command("quote", id, "PRICE"), order.Command("reload")
	if priced.Source != order.SourceAssistant {
		return order.Failf(order.Hold, order.CodeQuoteBounds, "%s", why).
			WithHint("%s quotes any price; or change the bounds in the configuration and run %s", quotes, reload)
	}
	if by.note != "" {
		why += "; " + by.note
	}
	out := order.Failf(order.Hold, order.CodeProposalBounds, "%s", why).
		WithHint("%s quotes any price; or change the bounds in the configuration, run %s, and %s asks the assistant again, which is paid for",
			quotes, reload, order.Command("orders retry", id))
	out.Asked = by.call
	return out
}

// command asks the owner's program for the price. Pictures are not fetched for an
// order that is not paid.
func (f *Fulfiller) command(ctx context.Context, j order.Job, o order.Order) (order.Priced, error) {
	// The program may pay for what it asks.
	if err := f.o.Ready(j); err != nil {
		return order.Priced{}, err
	}
	if err := f.seenOpen(ctx, j); err != nil {
		return order.Priced{}, err
	}
	s := f.o.Services[o.Service]
	r := &run{Fulfiller: f, job: j, order: o, service: s, dir: f.attemptDir(j, j.Attempt)}
	req, err := r.request(ctx)
	if err != nil {
		return order.Priced{}, err
	}
	if req.Prompt, err = r.prompt(ctx, req); err != nil {
		return order.Priced{}, err
	}
	price, err := s.Pricing.Command.Price(ctx, req)
	if err != nil {
		return order.Priced{}, declined(err, o.ID)
	}
	f.clearWork(j)
	return order.Priced{Price: price, Source: order.SourceCommand}, nil
}

// declined turns the program's refusal into a hold: an agent has no request that
// declines an order.
func declined(err error, id string) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Class != order.Fail {
		return err
	}
	own := *fail
	own.Class, own.Code = order.Hold, order.CodeQuoteDeclined
	own.Hint = "leave it unanswered, or name a price: " + order.Command("quote", id, "PRICE")
	return &own
}

// quote asks the client for the price, once. The marketplace accepts a quote only
// while the order waits for one, so the order shows whether an earlier request
// without an answer arrived.
func (f *Fulfiller) quote(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	q, ok, err := f.o.Store.Quote(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, err
	}
	if !ok {
		return order.Result{}, order.Failf(order.Hold, order.CodeNoPrice, "there is no price to ask for").
			WithHint("%s names it", order.Command("quote", j.OrderID, "PRICE"))
	}
	seen, err := f.look(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, marketFailure(err)
	}
	if status := seen.Facts.Status; status != order.PendingQuote {
		return quoteOver(q, seen.Facts)
	}
	if q.State == order.QuotePriced {
		if err := f.notPaused(ctx, o); err != nil {
			return order.Result{}, err
		}
	}
	if q.State == order.QuoteSending {
		if err := f.again(j, sending{"quote", q.SentAt, q.Tries}, seen.At); err != nil {
			return order.Result{}, err
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

// quoteOver returns how a quote ended whose order waits for none any more.
func quoteOver(q order.Quote, f order.Facts) (order.Result, error) {
	switch {
	case f.Status == order.Cancelled || f.Status == order.Completed || !f.Status.Known():
		return order.Result{}, &order.Failure{
			Class: order.Wait, Code: order.CodeEnded, After: endedRetry,
			Err: errors.New("the order waits for no quote any more"),
		}
	case q.State == order.QuoteSending && (f.Price == nil || *f.Price == q.Price):
		return order.Result{Quote: order.QuoteConfirmed, Note: "found quoted at $" + q.Price.String()}, nil
	}
	return order.Result{Quote: order.QuoteElsewhere, Note: "somebody else quoted it"}, nil
}
