package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/atelier"
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
		profile, err := m.Client.Profile(ctx)
		if err != nil {
			return err
		}
		if profile.PayoutWallet == "" && profile.OwnerWallet == "" && m.Config.Agent.PayoutWallet == "" {
			return Hintf(errors.New("no payout wallet is set at the marketplace"),
				"set agent.payout_wallet in the configuration, then run %s", order.Command("agent sync"))
		}
		now, err := m.Client.Order(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case now.Status != order.Completed:
			return Hintf(fmt.Errorf("order %s is %.40q at the marketplace, and only completed orders are paid out", id, now.Status),
				"%s shows its state", order.Command("orders show", id))
		case now.PayoutTx != "":
			return Hintf(fmt.Errorf("order %s is paid out already: %.120q", id, now.PayoutTx),
				"%s shows it once the next complete poll has read it", order.Command("earnings"))
		}
		if err := c.ask(p, "The marketplace is asked to pay out order "+term.Sanitize(id)+" again.", "yes"); err != nil {
			return err
		}
		return c.send(ctx, p, m, id)
	})
}

func (c EarningsRetryCmd) send(ctx context.Context, p *Program, m market, id string) error {
	if err := m.Owner.Note(id, "payout asked", "asked for again by the owner"); err != nil {
		return err
	}
	err := m.Client.RetryPayout(ctx, id)
	if atelier.OutcomeUnknown(err) {
		return Hintf(fmt.Errorf("the request had no answer: %w", err), "%s looks at the order before it asks again",
			order.Command("earnings retry-payout", id))
	}
	if err != nil {
		return errors.Join(err, m.Owner.Note(id, "payout refused", err.Error()))
	}
	return p.say("asked for the payout of %s; %s shows it once it is paid", term.Sanitize(id), order.Command("earnings"))
}
