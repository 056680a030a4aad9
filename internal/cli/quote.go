package cli

import (
	"context"

	"atelierd/internal/owner"
)

// QuoteCmd sets the price of an order.
type QuoteCmd struct {
	Order string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Price string `arg:"" help:"The price in US dollars, such as 15 or 15.50." name:"price"`
	Seen
	Output
}

// Help explains the command.
func (QuoteCmd) Help() string {
	return `For an order that waits for your price. The client is asked for it once: at once
when a daemon runs, otherwise at the next run. A service with a quote setting in
the configuration gets its prices without you.`
}

// Run runs the command.
func (c QuoteCmd) Run(p *Program) error {
	price, err := owner.ParsePrice(c.Price)
	if err != nil {
		return err
	}
	return c.change(p, &change{
		order: c.Order, seen: c.Seen, done: "will be quoted at $" + price.String(), begins: true,
		do: func(ctx context.Context, actions *owner.Actions, id string) error {
			return actions.Quote(ctx, id, c.Price)
		},
	})
}
