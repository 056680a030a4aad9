package cli

import (
	"context"

	"atelierd/internal/owner"
)

// OrdersApproveCmd delivers work that waits for a review.
type OrdersApproveCmd struct {
	Chosen
	Output
}

// Help explains the command.
func (OrdersApproveCmd) Help() string {
	return `For orders of a service in mode review. Their files are made and wait for you;
"atelierd orders show" names them. After approval they are uploaded and delivered,
and a price that waits for approval is sent to the client. All pieces of a
subscription that wait are approved together, and other work of the order that is held
or has failed stays so. A running daemon starts at once. To have the files made again
instead, run "atelierd orders redo".

Flags such as --service choose several orders. The command shows them, and asks.`
}

// Run runs the command.
func (c OrdersApproveCmd) Run(p *Program) error {
	do := func(ctx context.Context, actions *owner.Actions, id string) error { return actions.Approve(ctx, id, 0) }
	switch several, err := c.filtered(); {
	case err != nil:
		return err
	case several:
		return batch{what: "approve", done: "approved", do: do}.run(p, c.Chosen, c.Output)
	}
	return c.change(p, &change{order: c.Order, done: "is approved", do: do})
}
