package cli

import (
	"context"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

// EarningsRetryCmd asks for a payout again.
type EarningsRetryCmd struct {
	Order string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Confirm
}

// Help explains the command.
func (EarningsRetryCmd) Help() string {
	return `For a completed order that was not paid out, because there was no payout wallet or
because the payout failed. It looks at the order first, and sends one request that
the marketplace counts.`
}

// Run runs the command.
func (c EarningsRetryCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		id, err := findOrder(ctx, m.Owner.Store, c.Order)
		if err != nil {
			return err
		}
		pay, err := m.Payout(ctx, id)
		if err != nil {
			return err
		}
		if err := c.ask(p, "The marketplace is asked to pay out order "+term.Sanitize(id)+" again.", "yes"); err != nil {
			return err
		}
		if err := pay.Ask(ctx); err != nil {
			return err
		}
		return p.say("asked for the payout of %s; %s shows it once it is paid", term.Sanitize(id), order.Command("earnings"))
	})
}
