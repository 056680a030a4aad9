package cli

import (
	"cmp"
	"fmt"
	"slices"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

func showEarnings(g *term.Page, v view.Earnings) {
	switch {
	case v.Total.Orders == 0 && !v.Grouping.OfGenerators():
		g.Linef("%s", noEarnings(v))
	case v.Grouping.By == view.ByOrder:
		g.Table("", orderTable(v))
	case v.Grouping.OfGenerators():
		g.Table("", generatorTable(v))
	default:
		g.Table("", earningsTable(v))
	}
	if v.InReview > 0 {
		g.Linef("%s delivered, $%s, until the client accepts", words.Count(v.InReview, "order"), v.InReviewUSD)
	}
	if v.ToApprove > 0 {
		g.Linef("%s waiting for your approval; %s lists them", words.Count(v.ToApprove, "order"), order.Command("orders --state held"))
	}
	if v.NotCompletedCost > 0 {
		g.Linef("spent on orders that have not completed: $%s", v.NotCompleted)
	}
	if v.SamplesCost > 0 {
		g.Linef("spent on samples: $%s", v.Samples)
	}
	if a := v.Assistant; a != nil {
		g.Linef("spent on the assistant, as a part of all this: $%s", a.All)
		g.Linef("%s", a.Text())
	}
	if v.Note != "" {
		g.Note("", v.Note)
	}
	showUnpaid(g, v)
	if v.WalletMissing {
		g.Linef("\n%s", g.Paint(term.Red, "no payout wallet is set at the marketplace, so completed orders are not paid out"))
		g.Hint("", "set agent.payout_wallet in the configuration, then run "+order.Command("agent sync"))
	}
}

// earningsTable has the column paid only if payouts are known, and rating only if a client has
// rated.
func earningsTable(v view.Earnings) [][]term.Cell {
	head := []string{v.Grouping.By, "orders", "gross", "fee", "net", "cost", "profit"}
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

// noEarnings is what is shown where no order has completed.
func noEarnings(v view.Earnings) string {
	if v.Since.IsZero() && v.Until.IsZero() {
		return "no order has completed yet"
	}
	return "no order completed in that time"
}

// orderTable has the orders that completed, with when and how they were paid out.
func orderTable(v view.Earnings) [][]term.Cell {
	rows := [][]term.Cell{term.Headings("completed", "order", "gross", "fee", "net", "cost", "paid out", "payout")}
	for _, o := range v.Orders {
		if o.Completed.IsZero() {
			continue
		}
		paid := "-"
		if !o.PaidAt.IsZero() {
			paid = view.Date(o.PaidAt)
		}
		rows = append(rows, []term.Cell{
			term.Plain(view.Date(o.Completed)), term.End(term.Line(o.ID, 64)), term.Plain(o.Gross), term.Plain(o.Fee), term.Plain(o.Net),
			term.Plain(o.Cost), term.Plain(paid), term.Shrink(8, term.Line(cmp.Or(o.PayoutTx, "-"), 100)),
		})
	}
	t := v.Total
	return append(rows, []term.Cell{term.Plain("total"), term.Plain(words.Count(t.Orders, "order")), term.Plain(t.Gross), term.Plain(t.Fee), term.Plain(t.Net), term.Plain(t.Cost), term.Plain(""), term.Plain("")})
}

// generatorTable has what each generator or provider cost: of completed orders, of
// anything else, and in the days as its bill has them.
func generatorTable(v view.Earnings) [][]term.Cell {
	rows := [][]term.Cell{term.Headings(v.Grouping.By, "cost", "other cost", "lost", "spent in these days")}
	for _, r := range append(slices.Clone(v.Rows), v.Total) {
		rows = append(rows, []term.Cell{
			term.Shrink(20, term.Line(r.Key, 40)), term.Plain(r.Cost), term.Plain(r.Other), term.Plain(r.Lost), term.Plain(r.Spent),
		})
	}
	return rows
}

func showUnpaid(g *term.Page, v view.Earnings) {
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
