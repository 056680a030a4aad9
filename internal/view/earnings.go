package view

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Earnings reads what was earned and spent in a period, in groups.
func (r Reader) Earnings(ctx context.Context, by string, when Period) (Earnings, error) {
	a, err := r.Store.Accounts(ctx, when.Period)
	if err != nil {
		return Earnings{}, err
	}
	v := viewEarnings(a, Grouping{By: by, Period: when, provider: providers(r.Config())})
	wallet, err := r.Store.Fact(ctx, order.FactWallet)
	if err != nil {
		return Earnings{}, err
	}
	v.WalletMissing = wallet == order.WalletMissing
	return v, v.addOpen(ctx, r.Store)
}

// addOpen counts the orders that are not earned yet: delivered, or waiting for approval.
func (v *Earnings) addOpen(ctx context.Context, st *store.Store) error {
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
	list[order.Assistant] = order.Assistant
	return list
}

// Earnings is what was earned and spent.
type Earnings struct {
	Rows  []EarningRow `json:"rows"`
	Total EarningRow   `json:"total"`
	// NotCompleted was spent on orders that have not completed, or never will.
	NotCompleted string `json:"not_completed_cost_usd"`
	// Samples was spent on samples of generators.
	Samples string `json:"samples_cost_usd"`
	// Assistant is nil if there was none.
	Assistant     *Assisted `json:"assistant,omitempty"`
	Unpaid        []string  `json:"unpaid_orders"`
	UnpaidUSD     string    `json:"unpaid_usd"`
	PayoutsKnown  bool      `json:"payouts_known"` // the marketplace has reported at least one
	WalletMissing bool      `json:"wallet_missing"`

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
	Orders []OrderEarning `json:"order_rows,omitempty"`

	NotCompletedCost, SamplesCost order.USD `json:"-"`
	Grouping                      Grouping  `json:"-"`
}

// EarningRow is what one group has earned and cost.
type EarningRow struct {
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
	// Assistant is what the assistant cost, which is a part of Cost and Other.
	Assistant string `json:"assistant_cost_usd"`
	Rated     int    `json:"rated_orders"`
	// Rating is the average of the clients' ratings; empty without any.
	Rating string `json:"rating"`
}

func viewEarnings(a store.Accounts, g Grouping) Earnings {
	v := Earnings{Unpaid: []string{}, Grouping: g, Zone: g.Period.Zone.String(), Since: g.Period.From.In(g.Period.Zone), Until: g.Period.To.In(g.Period.Zone)}
	v.Rows, v.Total = g.sum(a).rows()
	if g.By == ByOrder {
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
			v.SamplesCost += c.Cost.Cost
		} else {
			v.NotCompletedCost += c.Cost.Cost
		}
		if g.Period.Whole && c.Day == g.Period.First {
			firstDay += c.Cost.Cost
		}
	}
	v.Assistant = assisted(a)
	v.NotCompleted, v.Samples = v.NotCompletedCost.String(), v.SamplesCost.String()
	if firstDay > 0 {
		v.Note = fmt.Sprintf("the books have whole days: $%s of these two were spent on %s (UTC), perhaps before the time asked for", firstDay, g.Period.First)
	}
	return v
}
