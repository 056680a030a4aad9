package cli

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// EarningsCmd is the group of commands about money earned.
type EarningsCmd struct {
	Show        EarningsShowCmd  `cmd:"" default:"withargs" help:"Show what was earned, what it cost, and what is not paid out."`
	RetryPayout EarningsRetryCmd `cmd:"" help:"Ask the marketplace again to pay out an order."`
}

// EarningsShowCmd shows earnings.
type EarningsShowCmd struct {
	EarningsPeriod
	By  string `help:"Group by day, month, service, client, generator or provider, or show each order." enum:"day,month,service,client,generator,provider,order," default:"" placeholder:"WHAT"`
	CSV bool   `help:"Print CSV for a spreadsheet: each order, or the groups of --by." name:"csv"`
	Output
}

// Help explains the command.
func (EarningsShowCmd) Help() string {
	return `Shows the completed orders: the price, the marketplace's fee (10 percent where it
does not say), what is left, what the generators cost, and the profit. Below that
it shows what was spent on orders that have not completed because they are open,
held, refused, failed or cancelled, what was spent on samples, what the assistant cost of all this, how many of the delivered rounds
were sent back with it and without it, and the completed orders that are not known to be paid out.
The rating is the clients', on average, with the number of them.

An order and all that it cost count on the day on which it completed. What else was
spent counts on its day, which the books have in UTC. docs/accounts.md describes what
that means for a tax year, and the columns of the CSV.`
}

// Run runs the command.
func (c EarningsShowCmd) Run(p *Program) error {
	if c.CSV && c.JSON {
		return &UsageError{errors.New("--csv and --json cannot be used together; keep one of them")}
	}
	if c.By == "" {
		if c.By = view.ByDay; c.CSV {
			c.By = view.ByOrder
		}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		when, err := c.read(cfg.Zone(), time.Now())
		if err != nil {
			return &UsageError{err}
		}
		v, err := reader(cfg, st).Earnings(ctx, c.By, when)
		if err != nil {
			return err
		}
		if c.CSV {
			return v.WriteCSV(p.Stdout)
		}
		return c.print(p, v, func(g *term.Page) { showEarnings(g, v) })
	})
}
