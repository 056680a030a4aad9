package cli

import (
	"context"
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// QuoteCmd names a price.
type QuoteCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Price string `arg:"" help:"In US dollars, such as 15 or 15.50." name:"price"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (QuoteCmd) Help() string {
	return `For an order that waits for a price of yours: the client is asked for it, once.
It goes out at once when a daemon runs, else with the next run. A service that
has a quote setting in the configuration is priced without you.`
}

func (c QuoteCmd) Run(p *Program) error {
	price, err := order.ParseUSD(c.Price)
	if err != nil || price <= 0 || price%(order.Dollar/100) != 0 {
		return &UsageError{fmt.Errorf("%.40q is not a price above 0 with at most two decimals, such as 15.50", c.Price)}
	}
	return p.change(c.Order, c.JSON, "will be quoted at $"+price.String(), func(ctx context.Context, o store.Owner, id string) error {
		return o.Quote(ctx, id, price)
	})
}
