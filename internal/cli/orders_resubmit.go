package cli

import (
	"context"
	"fmt"

	"atelierd/internal/owner"
)

// OrdersResubmitCmd replaces the files of a delivered order.
type OrdersResubmitCmd struct {
	Order string   `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Files []string `help:"Deliver this file instead of making one. Repeat it for several." name:"file" placeholder:"PATH"`
	Seen
	Confirm
	Output
}

// Help explains the command.
func (OrdersResubmitCmd) Help() string {
	return `For an order that was delivered with a wrong file, while the client still reviews
it. The generator makes the files again, which may cost money, or you name files of
your own with --file. They are checked, uploaded and delivered like the first ones.
The client sees them instead of the first ones, and has at least 24 hours to review
them. A client who has already sent the order back gets the next round instead, so
there is nothing to replace.`
}

// Run runs the command.
func (c OrdersResubmitCmd) Run(p *Program) error {
	if err := owner.CheckFiles(c.Files); err != nil {
		return err
	}
	if err := c.ask(p, fmt.Sprintf("This replaces what the client of order %.100q sees.", c.Order), "replace"); err != nil {
		return err
	}
	return c.change(p, &change{order: c.Order, seen: c.Seen, do: c.resubmit, done: "will be delivered again with new files"})
}

func (c OrdersResubmitCmd) resubmit(ctx context.Context, actions *owner.Actions, id string) error {
	return actions.Resubmit(ctx, id, c.Files)
}
