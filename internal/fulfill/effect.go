package fulfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// effect is a request that changes something at the marketplace, with its durable
// record.
type effect struct {
	intend   func() error
	send     func() error
	withdraw func(note string) error
}

// effect commits the intent and then sends. Without an answer the intent stands,
// and the next attempt looks first. A request that certainly had no effect is
// withdrawn.
func (f *Fulfiller) effect(ctx context.Context, j order.Job, e effect) error {
	if err := f.o.Ready(j); err != nil {
		return err
	}
	if err := f.nothingForgotten(ctx); err != nil {
		return err
	}
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
		// The marketplace refuses it for an order that is open: the owner looks.
		held := *fail
		held.Class = order.Hold
		if held.Hint == "" {
			held.Hint = "fix the cause, then " + order.Command("orders retry", j.OrderID)
		}
		return &held
	}
	return marketFailure(err)
}

// nothingForgotten is nil unless the ledger was reconciled within the settle window. The
// process whose work it lacks may have sent a request just before it died, and the
// request may take effect after a look that did not find it.
func (f *Fulfiller) nothingForgotten(ctx context.Context) error {
	recent, err := f.o.Store.ReconciledSince(ctx, time.Now().Add(-f.o.SettleWindow))
	if err != nil || !recent {
		return err
	}
	return &order.Failure{
		Class: order.Wait, Code: order.CodeSettling, After: min(f.o.SettleWindow, lookAgain),
		Err: errors.New("the ledger was restored, and what was sent before that may still arrive"),
	}
}

// Delays after a look: how often an order is looked at while a request without an
// answer may still arrive, and while the next poll is to close an ended one.
const (
	lookAgain  = 10 * time.Second
	endedRetry = 30 * time.Second
)

// sending is a request to the marketplace whose answer was lost.
type sending struct {
	what  string // delivery, quote, message
	at    time.Time
	tries int
}

// again is nil when the request may be sent again, after a look that began at
// seen and did not find it. Until the settle window has passed it may still
// arrive, and after too many tries the owner decides.
func (f *Fulfiller) again(j order.Job, s sending, seen time.Time) error {
	if rest := f.o.SettleWindow - seen.Sub(s.at); rest > 0 {
		return &order.Failure{
			Class: order.Wait, Code: order.CodeSettling, After: min(rest, lookAgain),
			Err: fmt.Errorf("an earlier %s had no answer and may still arrive", s.what),
		}
	}
	if s.tries >= f.o.MaxTries {
		return order.Failf(order.Hold, order.CodeNeverArrived, "the %s was sent %d times without an answer and never arrived", s.what, s.tries).
			WithHint("when the marketplace works again: %s", order.Command("orders retry", j.OrderID))
	}
	return nil
}

// keyRetry is how long work waits while the key is refused. It resumes at once
// when a poll finds the key accepted.
const keyRetry = 10 * time.Minute

// marketFailure adapts a failure of the marketplace to work in hand. A refused key
// or an outage is not the order's fault, so the work waits.
func marketFailure(err error) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *f
	switch {
	case f.Code == order.CodeKeyRefused:
		own.Class, own.After = order.Wait, keyRetry
	case f.Class == order.Retry && (atelier.OutcomeUnknown(err) || errors.Is(err, atelier.ErrNotSent)):
		own.Outage = true
	}
	return &own
}

// affordable is nil when the request may be sent now, else a failure of class Wait.
func (f *Fulfiller) affordable(ctx context.Context, kind order.RequestKind) error {
	wait := f.o.Budget.Wait(ctx, kind)
	if wait <= 0 {
		return nil
	}
	return &order.Failure{
		Class: order.Wait, Code: order.CodeBudget, After: wait,
		Err: fmt.Errorf("no %s request is left in this window", kind),
	}
}
