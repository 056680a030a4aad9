package cluster

import (
	"context"
	"errors"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// stopWithin is how long a worker may take to stop until the agent looks later.
const stopWithin = 15 * time.Second

// Cancels implements generate.Canceller.
func (g *Generator) Cancels() bool { return true }

// Cancel implements generate.Canceller. A call that no worker has begun is withdrawn. Its
// worker is asked to stop any other, and cancels the provider's job.
func (g *Generator) Cancel(ctx context.Context, ticket string) (order.CancelResult, error) {
	key, ok := strings.CutPrefix(ticket, prefix)
	if !ok {
		return order.CancelResult{Missing: true}, nil
	}
	q, err := g.o.Open()
	if err != nil {
		return order.CancelResult{}, g.of(ctx, err, true)
	}
	ctx, cancel := beat.TimeoutCause(ctx, stopWithin, errSlow)
	defer cancel()
	asked := false
	for {
		e, err := q.Latest(ctx, g.o.Route, key)
		switch {
		case errors.Is(err, natsq.ErrAbsent):
			return order.CancelResult{Missing: true}, nil
		case err != nil:
			return order.CancelResult{}, g.of(ctx, err, true)
		case e.State.Ended():
			g.removePictures(ctx, q, key)
			return stopped(e, asked), nil
		}
		if e.State != natsq.Stopping {
			r := e.Record
			if r.State = natsq.Stopping; e.State == natsq.Wanted {
				r.State = natsq.Cancelled
			}
			if _, err := q.Change(ctx, e, r); err != nil && !errors.Is(err, natsq.ErrChanged) {
				return order.CancelResult{}, g.of(ctx, err, true)
			}
			asked = true
			continue
		}
		asked = true
		select {
		case <-ctx.Done():
			return order.CancelResult{}, ended(ctx)
		case <-time.After(firstLook):
		}
	}
}

// stopped returns what became of a call that is not needed any more. asked: it ended after
// it was asked to.
func stopped(e natsq.Entry, asked bool) order.CancelResult {
	switch {
	case e.State == natsq.Cancelled:
		return order.CancelResult{CostKnown: true}
	case e.State == natsq.Failed && e.Failure != nil && e.Failure.Code == order.CodeStopped:
		return order.CancelResult{Ended: e.Failure.Charge == order.ChargeUnknown || !asked, Cost: e.Failure.Cost, CostKnown: e.Failure.Charge == order.ChargeNone || e.Failure.Cost > 0}
	case e.State == natsq.Done:
		return order.CancelResult{Ended: true, Cost: e.Result.Cost, CostKnown: e.Result.Cost > 0}
	}
	return order.CancelResult{Ended: true}
}
