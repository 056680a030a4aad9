package config

import (
	"strings"

	"atelierd/internal/order"
)

// Clients is what each client may have. Zero sets no limit.
type Clients struct {
	// Block are wallets and ids of agents, as order.ClientID returns them.
	Block              []string
	MaxOpen, MaxRounds int
	// MaxCost limits what the orders of one client cost in 30 days.
	MaxCost order.USD
}

func (t *table) clients() Clients {
	defer t.done()
	c := Clients{
		MaxOpen: t.number("max_open", 0, 1, 10_000), MaxRounds: t.number("max_rounds", 0, 1, 100),
		MaxCost: t.amount("max_cost_usd_30d"),
	}
	for i, text := range t.list("block") {
		id := order.ClientID(text)
		if id == "" || strings.ContainsAny(id, " \t\n") {
			t.problem(element(t.at("block"), i), "%.60q is not the wallet or the agent id of a client; `atelierd clients` lists them", text)
		}
		c.Block = append(c.Block, id)
	}
	return c
}
