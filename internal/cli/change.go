package cli

import (
	"context"
	"errors"
	"fmt"

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
	// decided is the fingerprint of what was decided on, if do sets it.
	decided order.Fingerprint
	// begins: what follows waits while the service is paused.
	begins bool
	// seen is what the owner has seen of the order.
	seen Seen
}

// Seen is the flag of a command that acts only on what its owner has seen.
type Seen struct {
	If string `help:"Do it only while \"orders show\" prints this fingerprint of the order." placeholder:"FINGERPRINT"`
}

// of returns the actions for what the owner has seen.
func (s Seen) of(actions *owner.Actions) (*owner.Actions, error) {
	if s.If == "" {
		return actions, nil
	}
	seen, err := order.ParseFingerprint(s.If)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--if %.40q: %w", s.If, err)}
	}
	return actions.If(seen), nil
}

// change makes a change, wakes a running daemon, and prints what was done.
func (o Output) change(p *Program, c *change) error {
	return p.withOwner(func(ctx context.Context, actions *owner.Actions) error {
		id, err := actions.Find(ctx, c.order)
		if err != nil {
			return noSuchOrder(err)
		}
		if actions, err = c.seen.of(actions); err != nil {
			return err
		}
		if err := c.do(ctx, actions, id); err != nil {
			if f, ok := errors.AsType[*order.Failure](err); ok && f.Hint != "" {
				return Hintf(err, "%s", f.Hint)
			}
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
			ID    string            `json:"order_id"`
			State order.State       `json:"state"`
			Woken bool              `json:"daemon_told"`
			Seen  order.Fingerprint `json:"fingerprint,omitempty"`
		}{id, now, woken, c.decided})
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
