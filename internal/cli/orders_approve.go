package cli

import (
	"context"

	"atelierd/internal/owner"
)

// OrdersApproveCmd delivers work that waits for a review.
type OrdersApproveCmd struct {
	Order string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Output
}

// Help explains the command.
func (OrdersApproveCmd) Help() string {
	return `For orders of a service in mode review. Their files are made and wait for you;
"atelierd orders show" names them. After approval they are uploaded and delivered,
and a price that waits for approval is sent to the client. All pieces of a
subscription that wait are approved together, and other work of the order that is held
or has failed stays so. A running daemon starts at once. To have the files made again
instead, run "atelierd orders redo".`
}

// Run runs the command.
func (c OrdersApproveCmd) Run(p *Program) error {
	return c.change(p, &change{
		order: c.Order, done: "is approved",
		do: func(ctx context.Context, actions *owner.Actions, id string) error {
			return actions.Approve(ctx, id)
		},
	})
}
