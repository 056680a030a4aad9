package view

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/sheet"
)

// The columns of the CSV. No release removes or renames one; docs/accounts.md lists them.
var (
	orderColumns = []string{
		"completed_on", "completed_at", "payout_on", "payout_at", "order_id", "state", "service", "client", "gross_usd", "fee_usd", "net_usd",
		"currency", "paid_usd", "payout_tx", "cost_usd", "lost_usd", "cost_by_generator", "cost_by_provider", "rating",
		"assistant_cost_usd",
	}
	groupColumns     = []string{"orders", "gross_usd", "fee_usd", "net_usd", "currency", "paid_usd", "cost_usd", "other_cost_usd", "lost_usd", "rated_orders", "rating", "assistant_cost_usd"}
	generatorColumns = []string{"currency", "cost_usd", "other_cost_usd", "lost_usd", "spent_usd"}
)

// WriteCSV writes the accounts as RFC 4180 has it.
func (v Earnings) WriteCSV(w io.Writer) error {
	out := sheet.NewWriter(w)
	switch {
	case v.Grouping.By == ByOrder:
		_ = out.Write(orderColumns) // Flush has the error
		for _, o := range v.Orders {
			_ = out.Write(o.csv())
		}
	case v.Grouping.OfGenerators():
		_ = out.Write(append([]string{v.Grouping.By}, generatorColumns...))
		for _, r := range v.Rows {
			_ = out.Write([]string{sheet.Cell(r.Key), "USD", r.Cost, r.Other, r.Lost, r.Spent})
		}
	default:
		_ = out.Write(append([]string{v.Grouping.By}, groupColumns...))
		for _, r := range v.Rows {
			_ = out.Write([]string{sheet.Cell(r.Key), strconv.Itoa(r.Orders), r.Gross, r.Fee, r.Net, "USD", r.Paid, r.Cost, r.Other, r.Lost, strconv.Itoa(r.Rated), r.Rating, r.Assistant})
		}
	}
	out.Flush()
	return out.Error()
}

func (o OrderEarning) csv() []string {
	providers := map[string]string{}
	for name, usd := range o.providers {
		providers[name] = usd.String()
	}
	return []string{
		Date(o.Completed), stamp(o.Completed), Date(o.PaidAt), stamp(o.PaidAt), sheet.Cell(o.ID), o.State, sheet.Cell(o.Service), sheet.Cell(o.Client),
		o.Gross, o.Fee, o.Net, "USD", o.Paid, sheet.Cell(o.PayoutTx), o.Cost, o.Lost, pairs(o.Costs), pairs(providers), o.Rating,
		o.Assistant,
	}
}

// pairs is a list of amounts in one cell, such as "flux 0.04; studio 0.10".
func pairs(amounts map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		list = append(list, name+" "+amounts[name])
	}
	return sheet.Cell(strings.Join(list, "; "))
}

// Date is the day of a moment, and stamp the moment to the second, in the time's zone; ""
// for none.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
