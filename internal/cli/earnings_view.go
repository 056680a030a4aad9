package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/words"
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

	// Zone is the time zone of the days. Since and Until are the ends of the time.
	Zone  string    `json:"time_zone"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Note says what of the sums is outside the time.
	Note string `json:"note,omitempty"`
	// Orders are the orders, if they are asked for.
	Orders []orderEarning `json:"order_rows,omitempty"`

	notCompleted, samples order.USD
	grouping              grouping
}

type earningRow struct {
	Key    string `json:"key"` // the day, the service, ...
	Orders int    `json:"orders"`
	Gross  string `json:"gross_usd"`
	Fee    string `json:"fee_usd"`
	Net    string `json:"net_usd"`
	Paid   string `json:"paid_usd"` // what was paid out, as far as it is known
	Cost   string `json:"cost_usd"` // of the orders that completed
	Profit string `json:"profit_usd"`
	// Other was spent on orders that have not completed, and on samples.
	Other string `json:"other_cost_usd"`
	Lost  string `json:"lost_usd"` // of both, for what bought nothing
	// Spent is what generators cost in the days, whatever became of the orders. Only the
	// groups of generators and the total have it.
	Spent string `json:"spent_usd"`
	Rated int    `json:"rated_orders"`
	// Rating is the average of the clients' ratings; empty without any.
	Rating string `json:"rating"`
}

func viewEarnings(a store.Accounts, g grouping) earningsView {
	v := earningsView{Unpaid: []string{}, grouping: g, Zone: g.period.zone.String(), Since: g.period.From.In(g.period.zone), Until: g.period.To.In(g.period.zone)}
	v.Rows, v.Total = g.sum(a).rows()
	if g.by == byOrder {
		v.Orders = g.orders(a)
	}
	var unpaid order.USD
	for _, e := range a.Earned {
		if e.Paid {
			v.PayoutsKnown = true
		} else {
			v.Unpaid = append(v.Unpaid, e.ID)
			unpaid += e.Net()
		}
	}
	v.UnpaidUSD = unpaid.String()
	var firstDay order.USD
	for _, c := range a.Other {
		if c.Order == "" {
			v.samples += c.Cost.Cost
		} else {
			v.notCompleted += c.Cost.Cost
		}
		if g.period.whole && c.Day == g.period.First {
			firstDay += c.Cost.Cost
		}
	}
	v.NotCompleted, v.Samples = v.notCompleted.String(), v.samples.String()
	if firstDay > 0 {
		v.Note = fmt.Sprintf("the books have whole days: $%s of these two were spent on %s (UTC), perhaps before the time asked for", firstDay, g.period.First)
	}
	return v
}

func (v earningsView) show(g *term.Page) {
	switch {
	case v.Total.Orders == 0 && !v.grouping.ofGenerators():
		g.Linef("%s", v.none())
	case v.grouping.by == byOrder:
		g.Table("", v.orderTable())
	case v.grouping.ofGenerators():
		g.Table("", v.generatorTable())
	default:
		g.Table("", v.table())
	}
	if v.InReview > 0 {
		g.Linef("%s delivered, $%s, until the client accepts", words.Count(v.InReview, "order"), v.InReviewUSD)
	}
	if v.ToApprove > 0 {
		g.Linef("%s waiting for your approval; %s lists them", words.Count(v.ToApprove, "order"), order.Command("orders --state held"))
	}
	if v.notCompleted > 0 {
		g.Linef("spent on orders that have not completed: $%s", v.NotCompleted)
	}
	if v.samples > 0 {
		g.Linef("spent on samples: $%s", v.Samples)
	}
	if v.Note != "" {
		g.Note("", v.Note)
	}
	v.showUnpaid(g)
	if v.WalletMissing {
		g.Linef("\n%s", g.Paint(term.Red, "no payout wallet is set at the marketplace, so completed orders are not paid out"))
		g.Hint("", "set agent.payout_wallet in the configuration, then run "+order.Command("agent sync"))
	}
}

// table has the column paid only if payouts are known, and rating only if a client has
// rated.
func (v earningsView) table() [][]term.Cell {
	head := []string{v.grouping.by, "orders", "gross", "fee", "net", "cost", "profit"}
	if v.PayoutsKnown {
		head = append(head, "paid")
	}
	if v.Total.Rated > 0 {
		head = append(head, "rating")
	}
	rows := [][]term.Cell{term.Headings(head...)}
	for _, r := range append(slices.Clone(v.Rows), v.Total) {
		if r.Orders == 0 {
			continue // only what did not complete, which is below the table
		}
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

// none is what is shown where no order has completed.
func (v earningsView) none() string {
	if v.Since.IsZero() && v.Until.IsZero() {
		return "no order has completed yet"
	}
	return "no order completed in that time"
}

// orderTable has the orders that completed, with when and how they were paid out.
func (v earningsView) orderTable() [][]term.Cell {
	rows := [][]term.Cell{term.Headings("completed", "order", "gross", "fee", "net", "cost", "paid out", "payout")}
	for _, o := range v.Orders {
		if o.Completed.IsZero() {
			continue
		}
		paid := "-"
		if !o.PaidAt.IsZero() {
			paid = date(o.PaidAt)
		}
		rows = append(rows, []term.Cell{
			term.Plain(date(o.Completed)), term.End(term.Line(o.ID, 64)), term.Plain(o.Gross), term.Plain(o.Fee), term.Plain(o.Net),
			term.Plain(o.Cost), term.Plain(paid), term.Shrink(8, term.Line(cmp.Or(o.PayoutTx, "-"), 100)),
		})
	}
	t := v.Total
	return append(rows, []term.Cell{term.Plain("total"), term.Plain(words.Count(t.Orders, "order")), term.Plain(t.Gross), term.Plain(t.Fee), term.Plain(t.Net), term.Plain(t.Cost), term.Plain(""), term.Plain("")})
}

// generatorTable has what each generator or provider cost: of completed orders, of
// anything else, and in the days as its bill has them.
func (v earningsView) generatorTable() [][]term.Cell {
	rows := [][]term.Cell{term.Headings(v.grouping.by, "cost", "other cost", "lost", "spent in these days")}
	for _, r := range append(slices.Clone(v.Rows), v.Total) {
		rows = append(rows, []term.Cell{
			term.Shrink(20, term.Line(r.Key, 40)), term.Plain(r.Cost), term.Plain(r.Other), term.Plain(r.Lost), term.Plain(r.Spent),
		})
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
