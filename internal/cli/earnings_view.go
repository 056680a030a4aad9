package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// earningsView is what was earned and spent. `earnings` prints it.
type earningsView struct {
	Rows  []earningRow `json:"rows"`
	Total earningRow   `json:"total"`
	// NotCompleted was spent on orders that have not completed, or never will.
	NotCompleted string `json:"not_completed_cost_usd"`
	// Samples was spent on samples of generators.
	Samples       string   `json:"samples_cost_usd"`
	Unpaid        []string `json:"unpaid_orders"`
	UnpaidUSD     string   `json:"unpaid_usd"`
	PayoutsKnown  bool     `json:"payouts_known"` // the marketplace has reported at least one
	WalletMissing bool     `json:"wallet_missing"`

	// InReview is delivered and waits for the client's review. ToApprove waits for the
	// owner's approval.
	InReview    int    `json:"in_review_orders"`
	InReviewUSD string `json:"in_review_usd"` // the sum of their prices
	ToApprove   int    `json:"to_approve_orders"`

	notCompleted, samples order.USD
}

type earningRow struct {
	Key    string `json:"key"` // the day or the service
	Orders int    `json:"orders"`
	Gross  string `json:"gross_usd"`
	Fee    string `json:"fee_usd"`
	Net    string `json:"net_usd"`
	Paid   string `json:"paid_usd"` // what was paid out, as far as it is known
	Cost   string `json:"cost_usd"`
	Profit string `json:"profit_usd"`
	Rated  int    `json:"rated_orders"`
	// Rating is the average of the clients' ratings; empty without any.
	Rating string `json:"rating"`
}

// sums adds up the orders of one row.
type sums struct {
	orders           int
	gross, fee, cost order.USD
	paid             order.USD
	rated, stars     int
}

func (s sums) with(e store.Earning) sums {
	s.orders, s.gross, s.fee, s.cost = s.orders+1, s.gross+e.Gross, s.fee+e.Fee, s.cost+e.Cost
	if e.Paid {
		s.paid += e.Net()
	}
	if e.Rating != nil {
		s.rated, s.stars = s.rated+1, s.stars+*e.Rating
	}
	return s
}

func (s sums) row(key string) earningRow {
	row := earningRow{
		Key: key, Orders: s.orders, Gross: s.gross.String(), Fee: s.fee.String(),
		Net: (s.gross - s.fee).String(), Paid: s.paid.String(), Cost: s.cost.String(), Profit: signed(s.gross - s.fee - s.cost), Rated: s.rated,
	}
	if s.rated > 0 {
		row.Rating = fmt.Sprintf("%.1f", float64(s.stars)/float64(s.rated))
	}
	return row
}

// signed is an amount that may be negative.
func signed(u order.USD) string {
	if u < 0 {
		return "-" + (-u).String()
	}
	return u.String()
}

func viewEarnings(list []store.Earning, by string) earningsView {
	v := earningsView{Rows: []earningRow{}, Unpaid: []string{}}
	groups := map[string]sums{}
	var unpaid order.USD
	for _, e := range list { // each counts for its own row, and for the total under ""
		key := e.Completed.UTC().Format(time.DateOnly)
		if by == "service" {
			key = cmp.Or(e.Service, "(none)")
		}
		for _, s := range []string{key, ""} {
			groups[s] = groups[s].with(e)
		}
		if e.Paid {
			v.PayoutsKnown = true
		} else {
			v.Unpaid = append(v.Unpaid, e.ID)
			unpaid += e.Net()
		}
	}
	total := groups[""]
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
		g.Table("", v.table(by))
	}
	if v.InReview > 0 {
		g.Linef("%s delivered, $%s, until the client accepts", counted(v.InReview, "order"), v.InReviewUSD)
	}
	if v.ToApprove > 0 {
		g.Linef("%s waiting for your approval; %s lists them", counted(v.ToApprove, "order"), order.Command("orders --state held"))
	}
	if v.notCompleted > 0 {
		g.Linef("spent on orders that have not completed: $%s", v.NotCompleted)
	}
	if v.samples > 0 {
		g.Linef("spent on samples: $%s", v.Samples)
	}
	v.showUnpaid(g)
	if v.WalletMissing {
		g.Linef("\n%s", g.Paint(term.Red, "no payout wallet is set at the marketplace, so completed orders are not paid out"))
		g.Hint("", "set agent.payout_wallet in the configuration, then run "+order.Command("agent sync"))
	}
}

// table has the column paid only if payouts are known, and rating only if a client has
// rated.
func (v earningsView) table(by string) [][]term.Cell {
	head := []string{by, "orders", "gross", "fee", "net", "cost", "profit"}
	if v.PayoutsKnown {
		head = append(head, "paid")
	}
	if v.Total.Rated > 0 {
		head = append(head, "rating")
	}
	rows := [][]term.Cell{term.Headings(head...)}
	for _, r := range append(v.Rows, v.Total) {
		row := []term.Cell{
			term.Shrink(20, term.Line(r.Key, 40)), term.Plain(fmt.Sprint(r.Orders)), term.Plain(r.Gross),
			term.Plain(r.Fee), term.Plain(r.Net), term.Plain(r.Cost), term.Styled(term.Bold, r.Profit),
		}
		if v.PayoutsKnown {
			row = append(row, term.Plain(r.Paid))
		}
		if r.Rated > 0 {
			row = append(row, term.Plain(fmt.Sprintf("%s of %d", r.Rating, r.Rated)))
		}
		rows = append(rows, row)
	}
	return rows
}

func (v earningsView) showUnpaid(g *term.Page) {
	switch {
	case len(v.Unpaid) == 0:
		return
	case !v.PayoutsKnown:
		g.Linef("\nthe marketplace reports no payouts, so it is unknown what is paid out")
	default:
		g.Linef("\n%s", g.Paint(term.Yellow, fmt.Sprintf("$%s of %d completed orders is not paid out, as far as the marketplace shows:", v.UnpaidUSD, len(v.Unpaid))))
		for i, id := range v.Unpaid {
			if i == 10 {
				g.Linef("  and %d more; they are in the view v_unpaid", len(v.Unpaid)-i)
				break
			}
			g.Linef("  %s", term.Sanitize(id))
		}
	}
	g.Hint("", order.Command("earnings retry-payout", v.Unpaid[0])+" asks the marketplace to pay it out again")
}
