package cli

import (
	"context"
	"errors"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// change is what an owner's command changes about one order.
type change struct {
	order string // its id, the beginning of it, or its last characters
	do    func(ctx context.Context, actions *owner.Actions, id string) error
	done  string // what to print after "order ID"; do may set it
	// begins: what follows waits while the service is paused.
	begins bool
}

// change makes a change, wakes a running daemon, and prints what was done.
func (o Output) change(p *Program, c *change) error {
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		id, err := actions.Find(ctx, c.order)
		if err != nil {
			return noSuchOrder(err)
		}
		if err := c.do(ctx, actions, id); err != nil {
			return Hintf(err, "%s shows its state and its history", order.Command("orders show", id))
		}
		woken := p.wake(ctx, actions.Dir())
		if !o.JSON {
			return c.say(ctx, p, actions, id)
		}
		now, err := actions.State(ctx, id)
		if err != nil {
			return err
		}
		return term.PrintJSON(p.Stdout, struct {
			ID    string      `json:"order_id"`
			State order.State `json:"state"`
			Woken bool        `json:"daemon_told"`
		}{id, now, woken})
	})
}

// say prints what was done.
func (c *change) say(ctx context.Context, p *Program, actions *owner.Actions, id string) error {
	wait := ""
	if c.begins {
		if pause, paused, err := actions.PausedFor(ctx, id); err == nil && paused {
			wait = "; it may wait, as it is paused by you: " + pause.Resume() + " continues"
		}
	}
	return p.say("order %s %s%s", term.Sanitize(id), c.done, wait)
}

// findOrder returns the id of the one order whose id begins or ends with text.
func findOrder(ctx context.Context, st *store.Store, text string) (string, error) {
	id, err := st.Resolve(ctx, text)
	return id, noSuchOrder(err)
}

// noSuchOrder adds a hint to the error of a search for an order.
func noSuchOrder(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Hintf(err, "an order is named by its id, the beginning of it, or its last %d characters or more; %s lists the orders",
			store.MinEnd, order.Command("orders list --all"))
	case errors.Is(err, store.ErrAmbiguous):
		return Hintf(err, "add characters until only one fits; %s lists the orders", order.Command("orders list --all"))
	}
	return err
}
