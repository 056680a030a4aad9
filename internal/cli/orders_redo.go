package cli

import (
	"context"

	"atelierd/internal/order"
	"atelierd/internal/owner"
)

// OrdersRedoCmd has files made again.
type OrdersRedoCmd struct {
	Order        string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Piece        int    `help:"Only this piece of a subscription. Default: all pieces that failed." placeholder:"N"`
	Instructions string `help:"What to do differently. Only the generator reads it." placeholder:"TEXT"`
	File         []int  `help:"Only this file of the last take is wrong, from 1; repeat it for several. The instructions say so." placeholder:"N"`
	FromThese    bool   `help:"Start from the pictures that were made: they are the generator's references."`
	Seen
	Output
}

// Help explains the command.
func (OrdersRedoCmd) Help() string {
	return `For files that were lost, or that you do not want to deliver (in mode review). The
generator makes them from the start, with new attempts. What the first ones cost
stays spent, and their files stay, to compare: "orders show" lists every take. "atelierd orders retry --fresh" does the same.

The generator makes all files again. With --file N its instructions name the files
that are to change, in the order in which "orders show" lists those of the last take,
and ask it to keep the others. For an order that is
already delivered, run "atelierd orders resubmit".`
}

// Run runs the command.
func (c OrdersRedoCmd) Run(p *Program) error {
	return c.change(p, &change{order: c.Order, seen: c.Seen, done: "will be made again", begins: true, do: func(ctx context.Context, actions *owner.Actions, id string) error {
		return actions.Redo(ctx, id, order.Redo{Piece: c.Piece, Instructions: c.Instructions, FromThese: c.FromThese, Files: c.File})
	}})
}
