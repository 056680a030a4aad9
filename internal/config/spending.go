package config

import (
	"maps"
	"slices"

	"atelierd/internal/order"
)

// Spending holds the caps on what generators may cost. Zero sets no cap.
type Spending struct {
	Attempt order.USD
	Order   order.USD
	// Percent caps an order at this share of its net price.
	Percent int
	Day     order.USD
}

// On reports whether any cap is set.
func (s Spending) On() bool { return s != Spending{} }

// spending also checks that each cap allows at least one call. Otherwise every
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
			t.warn(at, "has no cost_usd, so the caps of [spending] cannot count its calls; set cost_usd to the price of one call")
		}
		for key, most := range map[string]order.USD{"attempt_usd": s.Attempt, "order_usd": s.Order, "day_usd": s.Day} {
			if most > 0 && g.Cost > most {
				t.problem(t.at(key), "is less than the %s that one call of generator %s costs; write at least \"%[1]s\"", g.Cost, name)
			}
		}
	}
	if s.Percent > 0 {
		t.share(s.Percent, generators, services)
	}
	return s
}

// share reports the service whose share of the net price is furthest below the
// price of one call, so that one change fixes all services. A fallback generator
// that costs too much is only a warning, because orders are held for it only while
// the first generator is down.
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
				t.warn(t.at("order_percent"), "is too low for the fallback generator %s of service %.60q: %d %% of its net price of %s is %s, one call costs %s",
					name, s.Title, percent, net, most, cost)
			}
		}
	}
	if takes > 0 {
		net := worst.net()
		t.problem(t.at("order_percent"), "is too low for generator %s of service %.60q: %d %% of its net price of %s is %s, one call costs %s; write at least %d",
			worst.Generator, worst.Title, percent, net, net*order.USD(percent)/100, generators[worst.Generator].Cost, takes)
	}
}

// net returns an order's price without the marketplace's fee, or 0 if the price is
// not known before there is an order.
func (s Service) net() order.USD {
	price := s.Price
	if s.PriceType == "quote" {
		if price = 0; s.Quote != nil {
			price = s.Quote.Price
		}
	}
	return price - order.Fee(price, nil, "")
}
