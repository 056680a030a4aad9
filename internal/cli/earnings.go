package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
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
held, refused, failed or cancelled, what was spent on samples, and the completed
orders that are not known to be paid out. The rating is the clients', on average, with the number of them.

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
		if c.By = byDay; c.CSV {
			c.By = byOrder
		}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		when, err := c.read(cfg.Zone(), time.Now())
		if err != nil {
			return &UsageError{err}
		}
		a, err := st.Accounts(ctx, when.Period)
		if err != nil {
			return err
		}
		v := viewEarnings(a, grouping{by: c.By, period: when, provider: providers(cfg)})
		if c.CSV {
			return v.writeCSV(p.Stdout)
		}
		wallet, err := st.Fact(ctx, order.FactWallet)
		if err != nil {
			return err
		}
		v.WalletMissing = wallet == order.WalletMissing
		if err := v.addOpen(ctx, st); err != nil {
			return err
		}
		return c.print(p, v, v.show)
	})
}

// addOpen counts the orders that are not earned yet: delivered, or waiting for approval.
func (v *earningsView) addOpen(ctx context.Context, st *store.Store) error {
	delivered, err := st.Orders(ctx, string(order.StateDelivered), mostOrders)
	if err != nil {
		return err
	}
	var sum order.USD
	for _, l := range delivered {
		if l.Price != nil {
			sum += *l.Price
		}
	}
	v.InReview, v.InReviewUSD = len(delivered), sum.String()
	held, err := st.Orders(ctx, string(order.StateHeld), mostOrders)
	for _, l := range held {
		if l.Code == order.CodeReview {
			v.ToApprove++
		}
	}
	return err
}

// mostOrders is more than an agent has open in a state.
const mostOrders = 100_000

// providers returns the provider of each generator that is configured: its type, or the
// recipe that describes it.
func providers(cfg *config.Config) map[string]string {
	list := map[string]string{}
	for name, g := range cfg.Generators {
		if list[name] = g.Type; g.Recipe != "" {
			list[name] = strings.TrimSuffix(filepath.Base(g.Recipe), ".toml")
		}
	}
	return list
}
