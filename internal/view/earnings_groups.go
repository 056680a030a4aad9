package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// What earnings are grouped by.
const (
	ByDay       = "day"
	ByMonth     = "month"
	ByService   = "service"
	ByClient    = "client"
	ByGenerator = "generator"
	ByProvider  = "provider"
	ByOrder     = "order"
)

// Grouping is how accounts are added up.
type Grouping struct {
	By     string `json:"-"`
	Period Period `json:"-"`
	// provider has the provider of each generator.
	provider map[string]string
}

// OfGenerators reports whether the groups are of generators, which earn nothing by
// themselves.
func (g Grouping) OfGenerators() bool { return g.By == ByGenerator || g.By == ByProvider }

// key returns the group of what a generator made or an order is, as cut out of its parts.
func (g Grouping) key(c groupKey) string {
	switch g.By {
	case ByDay:
		return c.day
	case ByMonth:
		return c.day[:min(len(c.day), len("2026-11"))]
	case ByService:
		return cmp.Or(c.service, "(none)")
	case ByClient:
		return cmp.Or(c.client, "(unknown)")
	case ByGenerator:
		return cmp.Or(c.generator, "(none)")
	case ByProvider:
		return g.providerOf(c.generator)
	}
	return cmp.Or(c.order, "(sample)")
}

// providerOf returns who runs a generator.
func (g Grouping) providerOf(generator string) string {
	if generator == "" {
		return "(none)"
	}
	return cmp.Or(g.provider[generator], "(not configured)")
}

// groupKey is what a row of the accounts can be grouped by.
type groupKey struct{ day, service, client, generator, order string }

// sums adds up one group.
type sums struct {
	orders      int
	gross, fee  order.USD
	cost, other order.USD // of completed orders, and what else was spent
	lost, spent order.USD
	assistant   order.USD // of both
	paid        order.USD
	rated       int
	stars       int
}

func (s *sums) earned(e store.Earning) {
	s.orders, s.gross, s.fee = s.orders+1, s.gross+e.Gross, s.fee+e.Fee
	if e.Paid {
		s.paid += e.Net()
	}
	if e.Rating != nil {
		s.rated, s.stars = s.rated+1, s.stars+*e.Rating
	}
}

func (s *sums) costs(c store.Cost) {
	s.cost, s.lost = s.cost+c.Cost, s.lost+c.Lost
	s.assisted(c)
}

func (s *sums) others(c store.Cost) {
	s.other, s.lost = s.other+c.Cost, s.lost+c.Lost
	s.assisted(c)
}

func (s *sums) assisted(c store.Cost) {
	if c.Generator == order.Assistant {
		s.assistant += c.Cost
	}
}

func (s *sums) row(key string) EarningRow {
	row := EarningRow{
		Key: key, Orders: s.orders, Gross: s.gross.String(), Fee: s.fee.String(),
		Net: (s.gross - s.fee).String(), Paid: s.paid.String(), Cost: s.cost.String(), Other: s.other.String(),
		Lost: s.lost.String(), Spent: s.spent.String(), Assistant: s.assistant.String(), Profit: (s.gross - s.fee - s.cost).String(), Rated: s.rated,
	}
	if s.rated > 0 {
		row.Rating = fmt.Sprintf("%.1f", float64(s.stars)/float64(s.rated))
	}
	return row
}

// groups are the sums of each group, and of everything under "".
type groups map[string]*sums

// add calls f with the sums of a group, and with those of everything.
func (g groups) add(key string, f func(*sums)) {
	for _, k := range []string{key, ""} {
		if g[k] == nil {
			g[k] = &sums{}
		}
		f(g[k])
	}
}

// sum adds up the accounts.
func (g Grouping) sum(a store.Accounts) groups {
	list := groups{"": &sums{}}
	for _, e := range a.Earned {
		k := groupKey{day: g.Period.day(e.Completed), service: e.Service, client: e.Client, order: e.ID}
		if g.OfGenerators() {
			list[""].earned(e) // a generator has made a part of it
		} else {
			list.add(g.key(k), func(s *sums) { s.earned(e) })
		}
		for _, c := range e.Costs {
			k.generator = c.Generator
			list.add(g.key(k), func(s *sums) { s.costs(c) })
		}
	}
	for _, c := range a.Other {
		k := groupKey{c.Day, c.Service, c.Client, c.Generator, c.Order}
		list.add(g.key(k), func(s *sums) { s.others(c.Cost) })
	}
	for name, usd := range a.Spent {
		if g.OfGenerators() {
			list.add(g.key(groupKey{generator: name}), func(s *sums) { s.spent += usd })
		} else {
			list[""].spent += usd
		}
	}
	return list
}

// rows returns the row of each group, and the total.
func (g groups) rows() (rows []EarningRow, total EarningRow) {
	rows = []EarningRow{}
	for key, s := range g {
		if key == "" {
			total = s.row("total")
		} else {
			rows = append(rows, s.row(key))
		}
	}
	slices.SortFunc(rows, func(a, b EarningRow) int { return strings.Compare(a.Key, b.Key) })
	return rows, total
}

// OrderEarning is one order of the accounts. Without a time of completion it has not
// completed, and without an id it is a sample: its costs are those of the period.
type OrderEarning struct {
	ID        string            `json:"order_id"`
	State     string            `json:"state"`
	Service   string            `json:"service"`
	Client    string            `json:"client"`
	Completed time.Time         `json:"completed_at,omitzero"`
	PaidAt    time.Time         `json:"payout_at,omitzero"`
	PayoutTx  string            `json:"payout_tx"`
	Gross     string            `json:"gross_usd"`
	Fee       string            `json:"fee_usd"`
	Net       string            `json:"net_usd"`
	Paid      string            `json:"paid_usd"`
	Cost      string            `json:"cost_usd"`
	Lost      string            `json:"lost_usd"`
	Costs     map[string]string `json:"cost_by_generator_usd"`
	Assistant string            `json:"assistant_cost_usd"`
	Rating    string            `json:"rating"`

	providers map[string]order.USD
}

// orders returns each order, and the samples of each generator as one.
func (g Grouping) orders(a store.Accounts) []OrderEarning {
	list := []OrderEarning{}
	for _, e := range a.Earned {
		row := OrderEarning{ID: e.ID, State: string(order.StateCompleted), Service: e.Service, Client: e.Client, Completed: e.Completed.In(g.Period.Zone), PayoutTx: e.PayoutTx, Gross: e.Gross.String(), Fee: e.Fee.String(), Net: e.Net().String()}
		paid := order.USD(0)
		if e.Paid {
			paid, row.PaidAt = e.Net(), e.PaidAt.In(g.Period.Zone)
		}
		row.Paid = paid.String()
		if e.Rating != nil {
			row.Rating = fmt.Sprint(*e.Rating)
		}
		list = append(list, g.withCosts(row, e.Costs))
	}
	var others []string
	costs := map[string][]store.Cost{}
	rows := map[string]OrderEarning{}
	for _, c := range a.Other {
		if _, known := rows[c.Order]; !known {
			rows[c.Order] = OrderEarning{ID: c.Order, State: cmp.Or(string(c.State), "sample"), Service: c.Service, Client: c.Client, Gross: "0.00", Fee: "0.00", Net: "0.00", Paid: "0.00"}
			others = append(others, c.Order)
		}
		costs[c.Order] = append(costs[c.Order], c.Cost)
	}
	for _, id := range others {
		list = append(list, g.withCosts(rows[id], costs[id]))
	}
	return list
}

// withCosts adds what generators cost to an order.
func (g Grouping) withCosts(row OrderEarning, costs []store.Cost) OrderEarning {
	var sum store.Cost
	by := map[string]order.USD{}
	row.Costs, row.providers = map[string]string{}, map[string]order.USD{}
	for _, c := range costs {
		sum.Cost, sum.Lost = sum.Cost+c.Cost, sum.Lost+c.Lost
		by[cmp.Or(c.Generator, "(none)")] += c.Cost
		row.providers[g.providerOf(c.Generator)] += c.Cost
	}
	for name, usd := range by {
		row.Costs[name] = usd.String()
	}
	row.Cost, row.Lost, row.Assistant = sum.Cost.String(), sum.Lost.String(), by[order.Assistant].String()
	return row
}
