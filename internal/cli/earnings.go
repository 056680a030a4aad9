package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// EarningsCmd shows what was earned.
type EarningsCmd struct {
	Since string `help:"Only orders completed since then: a day such as 2026-11-01, or a time such as 30d." placeholder:"WHEN"`
	By    string `help:"Add up by day or by service." enum:"day,service" default:"day" placeholder:"WHAT"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (EarningsCmd) Help() string {
	return `Completed orders: the price, the marketplace's fee (10 percent where it does not
say), what is left, what the generators have cost, and the profit. Below is what was
spent on orders that have not completed: those that are open, held, refused, failed
or cancelled. Orders that completed and are not known to be paid out are named.`
}

func (c EarningsCmd) Run(p *Program) error {
	since, err := parseSince(c.Since, time.Now())
	if err != nil {
		return &UsageError{err}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		list, err := st.Earnings(ctx, since)
		if err != nil {
			return err
		}
		wallet, err := st.Fact(ctx, factWallet)
		if err != nil {
			return err
		}
		v := addUp(list, c.By)
		v.WalletMissing = wallet == walletMissing
		if v.notCompleted, err = st.SpentUncompleted(ctx, since); err != nil {
			return err
		}
		v.NotCompleted = v.notCompleted.String()
		if c.JSON {
			return term.PrintJSON(p.Stdout, v)
		}
		g := p.Page()
		v.show(g, c.By)
		return g.Print(p.Stdout)
	})
}

// What is known of the payout wallet at the marketplace.
const (
	factWallet    = "agent.wallet"
	walletMissing = "missing"
)

// parseSince reads a day, or a number of days or hours before now.
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
	return time.Time{}, fmt.Errorf("--since %.40q is neither a day such as 2026-11-01 nor a time such as 30d or 12h", text)
}

// earningsView is what was earned, for machines.
type earningsView struct {
	Rows  []earningRow `json:"rows"`
	Total earningRow   `json:"total"`
	// NotCompleted was spent on orders that have not completed: they are open, or
	// nothing came of them.
	NotCompleted  string   `json:"not_completed_cost_usd"`
	Unpaid        []string `json:"unpaid_orders"`
	UnpaidUSD     string   `json:"unpaid_usd"`
	PayoutsKnown  bool     `json:"payouts_known"` // the marketplace has told of at least one
	WalletMissing bool     `json:"wallet_missing"`

	notCompleted order.USD
}

type earningRow struct {
	Key    string `json:"key"` // the day or the service
	Orders int    `json:"orders"`
	Gross  string `json:"gross_usd"`
	Fee    string `json:"fee_usd"`
	Net    string `json:"net_usd"`
	Cost   string `json:"cost_usd"`
	Profit string `json:"profit_usd"`
}

type sums struct {
	orders           int
	gross, fee, cost order.USD
}

func (s sums) row(key string) earningRow {
	return earningRow{key, s.orders, s.gross.String(), s.fee.String(), (s.gross - s.fee).String(), s.cost.String(),
		signed(s.gross - s.fee - s.cost)}
}

// signed is an amount that may be a loss.
func signed(u order.USD) string {
	if u < 0 {
		return "-" + (-u).String()
	}
	return u.String()
}

func addUp(list []store.Earning, by string) earningsView {
	v := earningsView{Rows: []earningRow{}, Unpaid: []string{}}
	groups := map[string]sums{}
	var total sums
	var unpaid order.USD
	for _, e := range list {
		key := e.Completed.UTC().Format(time.DateOnly)
		if by == "service" {
			key = cmp.Or(e.Service, "(none)")
		}
		for _, s := range []string{key, ""} {
			g := groups[s]
			groups[s] = sums{g.orders + 1, g.gross + e.Gross, g.fee + e.Fee, g.cost + e.Cost}
		}
		if e.Paid {
			v.PayoutsKnown = true
		} else {
			v.Unpaid = append(v.Unpaid, e.ID)
			unpaid += e.Net()
		}
	}
	total = groups[""]
	delete(groups, "")
	for key, s := range groups {
		v.Rows = append(v.Rows, s.row(key))
	}
	slices.SortFunc(v.Rows, func(a, b earningRow) int { return strings.Compare(a.Key, b.Key) })
	v.Total, v.UnpaidUSD = total.row("total"), unpaid.String()
	return v
}

func (v earningsView) show(g *term.Page, by string) {
	if len(v.Rows) == 0 {
		g.Linef("no order has completed yet")
	} else {
		rows := [][]term.Cell{term.Headings(by, "orders", "gross", "fee", "net", "cost", "profit")}
		for _, r := range append(v.Rows, v.Total) {
			rows = append(rows, []term.Cell{term.Plain(term.Line(r.Key, 40)), term.Plain(fmt.Sprint(r.Orders)), term.Plain(r.Gross),
				term.Plain(r.Fee), term.Plain(r.Net), term.Plain(r.Cost), term.Styled(term.Bold, r.Profit)})
		}
		g.Table("", rows)
	}
	if v.notCompleted > 0 {
		g.Linef("spent on orders that have not completed: $%s", v.NotCompleted)
	}
	switch {
	case len(v.Unpaid) == 0:
	case !v.PayoutsKnown:
		g.Linef("\nthe marketplace tells of no payouts, so it cannot be said what is paid out")
	default:
		g.Linef("\n%s", g.Paint(term.Yellow, fmt.Sprintf("$%s of %d completed orders is not paid out, as far as the marketplace says:", v.UnpaidUSD, len(v.Unpaid))))
		for i, id := range v.Unpaid {
			if i == 10 {
				g.Linef("  and %d more; they are in the view v_unpaid", len(v.Unpaid)-i)
				break
			}
			g.Linef("  %s", term.Sanitize(id))
		}
	}
	if v.WalletMissing {
		g.Linef("\n%s", g.Paint(term.Red, "no payout wallet is set at the marketplace: what completes now is not paid out"))
		g.Linef("hint: set agent.payout_wallet in the configuration, then `atelierd agent sync`")
	}
}
