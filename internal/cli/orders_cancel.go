package cli

import (
	"context"

	"atelierd/internal/owner"
)

// OrdersCancelCmd stops work.
type OrdersCancelCmd struct {
	Chosen
	Reason string `help:"Why, for your own records." placeholder:"TEXT"`
	Output
}

// Help explains the command.
func (OrdersCancelCmd) Help() string {
	return `Stops a generator that works on the order; nothing more is made or delivered. At
the marketplace the order stays open, because only the client can cancel it there.
"atelierd orders retry" resumes the work.

Flags such as --code choose several orders. The command shows them, and asks.`
}

// Run runs the command.
func (c OrdersCancelCmd) Run(p *Program) error {
	do := func(ctx context.Context, actions *owner.Actions, id string) error {
		return actions.Cancel(ctx, id, c.Reason)
	}
	switch several, err := c.filtered(); {
	case err != nil:
		return err
	case several:
		return batch{what: "cancel", done: "cancelled here", do: do}.run(p, c.Chosen, c.Output)
	}
	return c.change(p, &change{order: c.Order, seen: c.Seen, done: "is cancelled here; at the marketplace it is still open", do: do})
}
