package config

import (
	"maps"
	"slices"

	"atelierd/internal/order"
)

// Spending is the most that generators may cost; 0 is without limit.
type Spending struct {
	Attempt order.USD
	Order   order.USD
	// Percent is the most for an order as a share of its net price.
	Percent int
	Day     order.USD
}

// On says whether anything is capped.
func (s Spending) On() bool { return s != Spending{} }

// spending also sees that the caps leave room for one call at least: else every
// order would be held.
func (t *table) spending(generators map[string]Generator, services []Service) Spending {
	defer t.done()
	s := Spending{
		Attempt: t.amount("attempt_usd"), Order: t.amount("order_usd"),
		Percent: t.number("order_percent", 0, 1, 1000), Day: t.amount("day_usd"),
	}
	for _, name := range slices.Sorted(maps.Keys(generators)) {
		g, at := generators[name], join("generator", name)
		if s.On() && g.Cost == 0 && !g.Free() {
			t.warn(at, "has no cost_usd: the caps of [spending] cannot count its calls before they are made")
		}
		for key, most := range map[string]order.USD{"attempt_usd": s.Attempt, "order_usd": s.Order, "day_usd": s.Day} {
			if most > 0 && g.Cost > most {
				t.problem(t.at(key), "is less than one call of generator %s costs, %s", name, g.Cost)
			}
		}
	}
	if s.Percent > 0 {
		t.share(s.Percent, generators, services)
	}
	return s
}

// share names the service whose share of the net price is furthest from one call
// of its generator, so that mending it mends the others. A generator that stands
// in is only warned of: orders are held for it while the first is down, no longer.
func (t *table) share(percent int, generators map[string]Generator, services []Service) {
	var worst Service
	var takes order.USD
	for _, s := range services {
		net := s.net()
		if net == 0 {
			continue
		}
		most, g := net*order.USD(percent)/100, generators[s.Generator]
		if need := (g.Cost*100 + net - 1) / net; g.Cost > most && need > takes {
			worst, takes = s, need
		}
		for _, name := range g.Fallback {
			if cost := generators[name].Cost; cost > most {
				t.warn(t.at("order_percent"), "is less than one call of generator %s costs, which stands in for service %.60q: %d %% of its net price of %s is %s, a call costs %s",
					name, s.Title, percent, net, most, cost)
			}
		}
	}
	if takes > 0 {
		net := worst.net()
		t.problem(t.at("order_percent"), "is less than one call of generator %s costs for service %.60q: %d %% of its net price of %s is %s, a call costs %s; it would have to be %d",
			worst.Generator, worst.Title, percent, net, net*order.USD(percent)/100, generators[worst.Generator].Cost, takes)
	}
}

// net is what is left of an order's price after the marketplace's 10 %, or 0 if
// the price is not known before there is an order.
func (s Service) net() order.USD {
	price := s.Price
	if s.PriceType == "quote" {
		if price = 0; s.Quote != nil {
			price = s.Quote.Price
		}
	}
	return price * 9 / 10
}
