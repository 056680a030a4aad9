package cli

import (
	"context"
	"fmt"

	"atelierd/internal/owner"
)

// OrdersAssignCmd names the service of an order.
type OrdersAssignCmd struct {
	Order   string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Service string `arg:"" help:"The title of one of your services." name:"service"`
	Seen
	Output
}

// Help explains the command.
func (OrdersAssignCmd) Help() string {
	return `For an order that matches none of your services, such as one of a bounty or of a
service that you have renamed. Its generator, prompt and rules then make the order.
No poll and no change of the configuration gives the order another service
afterwards; only this command does.`
}

// Run runs the command.
func (c OrdersAssignCmd) Run(p *Program) error {
	assign := change{order: c.Order, seen: c.Seen}
	assign.do = func(ctx context.Context, actions *owner.Actions, id string) error {
		title, err := actions.Assign(ctx, id, c.Service)
		assign.done = fmt.Sprintf("is for the service %q", title)
		return err
	}
	return c.change(p, &assign)
}
