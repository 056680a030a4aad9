package cli

import (
	"context"
	"errors"

	"atelierd/internal/store"
)

// OrdersRedoCmd has files made again.
type OrdersRedoCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Piece int    `help:"Only this piece of a subscription. Default: all pieces that failed." placeholder:"N"`
	Output
}

// Help explains the command.
func (OrdersRedoCmd) Help() string {
	return `For files that were lost, or that you do not want to deliver (in mode review). The
generator makes them from the start, with new attempts. What the first ones cost
stays spent. "atelierd orders retry --fresh" does the same. For an order that is
already delivered, run "atelierd orders resubmit".`
}

// Run runs the command.
func (c OrdersRedoCmd) Run(p *Program) error {
	if c.Piece < 0 {
		return &UsageError{errors.New("--piece must be at least 1")}
	}
	return c.change(p, change{order: c.Order, done: "will be made again", do: func(ctx context.Context, owner store.Owner, id string) error {
		return redo(ctx, owner, id, c.Piece)
	}})
}
