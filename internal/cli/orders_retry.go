package cli

import (
	"context"

	"atelierd/internal/order"
	"atelierd/internal/owner"
)

// OrdersRetryCmd resumes work.
type OrdersRetryCmd struct {
	Order string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Fresh bool   `help:"Make the files from the start instead of resuming."`
	Output
}

// Help explains the command.
func (OrdersRetryCmd) Help() string {
	return `For work that is held, has failed, or was cancelled by you. It gets new attempts
and resumes at the stage where it stopped, so that you do not pay twice for a file
that exists. A running daemon starts at once.`
}

// Run runs the command.
func (c OrdersRetryCmd) Run(p *Program) error {
	return c.change(p, &change{order: c.Order, done: "will be tried again", begins: true, do: func(ctx context.Context, actions *owner.Actions, id string) error {
		if c.Fresh {
			return actions.Redo(ctx, id, order.Redo{})
		}
		return actions.Retry(ctx, id)
	}})
}
