package fulfill

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file is what comes before a call: whether it may begin, and whether the
// provider has its job already.

// mayStart returns nil when the run may continue to its call. A job that the provider
// has is resumed at once, and is looked for first. Whatever else costs money waits
// here, before anything is fetched for it, until the order is seen open.
func (r *run) mayStart(ctx context.Context, p plan) error {
	if len(p.generators) == 0 {
		return nil
	}
	g := p.generators[0]
	if c := p.resumed; c != nil && c.Ticket == "" {
		if err := r.findResumed(ctx, g, c); err != nil {
			return err
		}
	}
	return r.mayBegin(ctx, g, p)
}

// reopen opens the last call again if it is done and its result is neither here nor used: a
// database that was restored to the moment after the call has no folder of it. What the
// provider has is fetched again and not paid for again. A call that can be neither fetched
// nor repeated stays spent.
func (r *run) reopen(ctx context.Context) error {
	if len(r.open) > 0 {
		return nil
	}
	c, found, err := r.o.Store.UnusedCall(ctx, r.job, order.PurposeMake)
	if err != nil || !found {
		return err
	}
	if g, known := r.generator(c.Generator); c.Ticket == "" && (!known || !g.repeats()) {
		return nil
	}
	r.o.Log.Warn("the result of a call that is done is not in the data folder; it is fetched again", "order", r.job.OrderID, "job", r.job.ID,
		"stage", r.job.Stage, "attempt", r.job.Attempt, "generator", c.Generator, "ticket", c.Ticket)
	if err := r.o.Store.ReopenCall(r.job, c.ID); err != nil {
		return err
	}
	r.open, r.dir = []order.Call{c}, r.attemptDir(r.job, c.Attempt)
	return nil
}

// mayBegin returns nil when the call may be sent. A call without a ticket may never
// have reached the provider, so sending it again may begin what is paid for.
func (r *run) mayBegin(ctx context.Context, g Generator, p plan) error {
	if p.resumed != nil && p.resumed.Ticket != "" {
		return nil
	}
	if err := r.notPaused(ctx, r.order); err != nil {
		return err
	}
	if g.Free {
		return nil
	}
	if err := r.o.Ready(r.job); err != nil {
		return err
	}
	return r.seenOpen(ctx, r.job)
}

// notPaused returns nil unless the owner has paused the service of the order.
func (f *Fulfiller) notPaused(ctx context.Context, o order.Order) error {
	p, paused, err := f.o.Store.PauseOf(ctx, o.Service)
	if err == nil && paused {
		err = p.Failure(time.Now())
	}
	return err
}

// find returns the ticket of the job that the provider has under the key, or "".
func (g Generator) find(ctx context.Context, key string) (string, error) {
	finder, ok := g.Backend.(generate.Finder)
	if !ok {
		return "", nil
	}
	ticket, err := finder.Find(ctx, key)
	if fail, ok := errors.AsType[*order.Failure](err); ok {
		own := *fail
		err = own.Nothing() // to ask costs nothing
	}
	return ticket, err
}

// findResumed stores the ticket of an open call whose job the provider has.
func (r *run) findResumed(ctx context.Context, g Generator, c *order.Call) error {
	if err := g.ready(ctx); err != nil {
		return err
	}
	ticket, err := g.find(ctx, c.Key)
	if err != nil {
		return r.failed(ctx, g, *c, generate.Request{Call: generate.Call{Resumed: true}}, err)
	}
	return r.found(c, ticket)
}

// found stores the ticket of a job that was found; "" stores nothing.
func (r *run) found(c *order.Call, ticket string) error {
	if ticket == "" {
		return nil
	}
	r.o.Log.Info("the provider has the job of the call; it is resumed", "order", r.job.OrderID, "job", r.job.ID, "stage", r.job.Stage,
		"attempt", r.job.Attempt, "generator", c.Generator, "ticket", ticket)
	c.Ticket = ticket
	return r.o.Store.CallSubmitted(c.ID, ticket)
}

// mostFound is how many jobs from before a redo are passed over at most.
const mostFound = 20

// foundOrNew returns the new call, with the ticket of the job that the provider has
// under its key. A restored database forgets calls, and their keys return. After a
// redo the owner does not want what was made before, so keys that the provider knows
// are passed over.
func (r *run) foundOrNew(ctx context.Context, g Generator, c order.Call) (order.Call, error) {
	for range mostFound {
		ticket, err := g.find(ctx, c.Key)
		switch {
		case err != nil:
			return c, r.failed(ctx, g, c, generate.Request{}, err)
		case ticket == "" || !r.job.Redone:
			return c, r.found(&c, ticket)
		}
		if err := r.o.Store.CloseCall(c.ID, order.CallFailed, 0, "the provider's job with its key is from before the redo"); err != nil {
			return c, err
		}
		if c, err = r.beginNew(g); err != nil {
			return c, err
		}
	}
	return c, r.failed(ctx, g, c, generate.Request{}, order.Failf(order.Hold, order.CodeKeyReused,
		"generator %s knows the keys of %d new calls", g.Name, mostFound).
		WithHint("clear the history of the provider, then %s", order.Command("orders retry", r.job.OrderID)))
}
