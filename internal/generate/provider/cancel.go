package provider

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

// This file cancels jobs that are not needed any more.

// cancelTimeout limits the requests by which one job is cancelled.
const cancelTimeout = 2 * time.Minute

// canceller is a backend whose provider may cancel jobs.
type canceller interface {
	cancels() bool
	// cancel cancels a job that the provider just called waiting or running.
	cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error)
}

// Cancels implements generate.Canceller.
func (p *Provider) Cancels() bool {
	b, ok := p.backend.(canceller)
	return ok && b.cancels()
}

// Cancel implements generate.Canceller. The job is asked about first. It is asked about
// again after it was cancelled, because some providers say only then what it has cost.
func (p *Provider) Cancel(ctx context.Context, ticket string) (order.CancelResult, error) {
	if !p.Cancels() || storedLinks(ticket) != nil {
		return order.CancelResult{Ended: true}, nil // there is no job
	}
	c, err := p.connect()
	if err != nil {
		return order.CancelResult{}, err
	}
	ctx, cancel := beat.TimeoutCause(ctx, cancelTimeout, errSilent)
	defer cancel()
	before, err := p.jobEnd(ctx, c, ticket)
	switch {
	case err != nil || before.Ended || before.Missing:
		return before, err
	case c.word != "":
		return before, order.Failf(order.Retry, order.CodeBadAnswer, "the provider calls the job's state %q, so it is not known to run", c.word)
	}
	done, err := p.backend.(canceller).cancel(ctx, c, ticket)
	if err == nil && done.CostKnown {
		return done, nil
	}
	after, failed := p.jobEnd(ctx, c, ticket)
	switch {
	case failed != nil || !after.Ended:
		return done, err
	case err != nil: // it ended meanwhile
		return after, nil
	}
	done.Cost, done.CostKnown = after.Cost, after.CostKnown
	return done, nil
}

// jobEnd asks about a job and returns whether it has ended, and at which cost.
func (p *Provider) jobEnd(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	out, err := p.backend.poll(ctx, c, ticket)
	switch {
	case out != nil:
		return order.CancelResult{Ended: true, Cost: out.cost, CostKnown: out.cost > 0}, nil
	case err == nil:
		return order.CancelResult{}, nil
	}
	f, ok := errors.AsType[*order.Failure](err)
	switch {
	case ok && f.JobMissing():
		return order.CancelResult{Missing: true}, nil
	case !ok || !f.JobEnded():
		return order.CancelResult{}, err
	}
	return order.CancelResult{Ended: true, Cost: f.Cost, CostKnown: f.Cost > 0 || f.Charge == order.ChargeNone}, nil
}

// cancel sends the request that cancels a job. A job that the provider does not have has
// ended.
func (c *conn) cancel(ctx context.Context, r call) (order.CancelResult, error) {
	a, err := c.do(ctx, r)
	if err != nil {
		return order.CancelResult{}, err
	}
	switch a = a.inside(); {
	case a.gone():
		return order.CancelResult{Ended: true}, nil
	case !a.ok():
		return order.CancelResult{}, a.failure()
	}
	return order.CancelResult{}, nil
}
