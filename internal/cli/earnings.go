package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// EarningsCmd is the group of commands about money earned.
type EarningsCmd struct {
	Show        EarningsShowCmd  `cmd:"" default:"withargs" help:"Show what was earned, what it cost, and what is not paid out."`
	RetryPayout EarningsRetryCmd `cmd:"" help:"Ask the marketplace again to pay out an order."`
}

// EarningsShowCmd shows earnings.
type EarningsShowCmd struct {
	Since string `help:"Only orders completed since a day such as 2026-11-01, or in the last days or hours, such as 30d or 12h." placeholder:"WHEN"`
	By    string `help:"Group by day or by service." enum:"day,service" default:"day" placeholder:"WHAT"`
	Output
}

// Help explains the command.
func (EarningsShowCmd) Help() string {
	return `Shows the completed orders: the price, the marketplace's fee (10 percent where it
does not say), what is left, what the generators cost, and the profit. Below that
it shows what was spent on orders that have not completed because they are open,
held, refused, failed or cancelled, what was spent on samples, and the completed
orders that are not known to be paid out. The rating is the clients', on average, with the number of them.`
}

// Run runs the command.
func (c EarningsShowCmd) Run(p *Program) error {
	since, err := parseSince(c.Since, time.Now())
	if err != nil {
		return &UsageError{err}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		list, err := st.Earnings(ctx, since)
		if err != nil {
			return err
		}
		wallet, err := st.Fact(ctx, order.FactWallet)
		if err != nil {
			return err
		}
		v := viewEarnings(list, c.By)
		v.WalletMissing = wallet == order.WalletMissing
		if err := v.addOpen(ctx, st); err != nil {
			return err
		}
		if v.notCompleted, err = st.SpentUncompleted(ctx, since); err != nil {
			return err
		}
		if v.samples, err = st.SpentOnSamples(ctx, since); err != nil {
			return err
		}
		v.NotCompleted, v.Samples = v.notCompleted.String(), v.samples.String()
		return c.print(p, v, func(g *term.Page) { v.show(g, c.By) })
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

// parseSince reads a day, or a number of days or hours before now. An empty text
// is the beginning of time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.UTC); err == nil {
		return day, nil
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days >= 0 {
		return now.Add(-time.Duration(days) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("--since %.40q is not a day such as 2026-11-01, or a time such as 30d or 12h", text)
}
