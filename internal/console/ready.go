package console

import (
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// ready is what the first page shows before the first order: what it takes to sell.
type ready struct {
	Sentence string
	Ticks    []tick
	Done     int
}

// tick is one thing that it takes.
type tick struct {
	OK      bool
	Title   string
	Text    string
	Command string // that corrects it
}

// readyOf returns what is there and what is missing. It says that all is well only if it is.
func readyOf(n view.Overview, agent string) *ready {
	r := &ready{Ticks: []tick{
		{OK: true, Title: "Registered as " + agent, Text: "The key is in the data folder. Keep a copy of credentials.json: it cannot be had again."},
		reachedTick(n), listedTick(n), generatorTick(n), walletTick(n),
	}}
	for _, t := range r.Ticks {
		if t.OK {
			r.Done++
		}
	}
	switch missing := len(r.Ticks) - r.Done; {
	case missing == 1:
		r.Sentence = "Almost ready. One thing is missing."
	case missing > 1:
		r.Sentence = fmt.Sprintf("Not ready yet. %d things are missing.", missing)
	case len(n.Attention) > 0:
		r.Sentence = "Ready to sell, and something needs you."
	default:
		r.Sentence = "Ready to sell. The first order will be here as soon as a client has paid."
	}
	return r
}

func reachedTick(n view.Overview) tick {
	switch {
	case !n.Polls.Reached:
		return tick{Title: "The marketplace has not answered yet", Text: n.Polls.Error, Command: order.Command("doctor")}
	case n.Agent.Visible != nil && !*n.Agent.Visible:
		return tick{Title: "Clients cannot see you", Text: "Set owner_wallet and payout_wallet of [agent] in the configuration, then:", Command: order.Command("agent sync")}
	case n.Agent.Visible == nil:
		return tick{OK: true, Title: "The marketplace answers"}
	}
	return tick{OK: true, Title: "The marketplace answers, and clients can see you"}
}

func listedTick(n view.Overview) tick {
	var titles, missing []string
	for _, s := range n.Services {
		switch s.State {
		case string(order.ServiceListed), view.ServiceDiffers, view.ServicePaused:
			titles = append(titles, s.Title)
		default:
			missing = append(missing, s.Title)
		}
	}
	switch {
	case len(n.Services) == 0:
		return tick{Title: "Nothing is for sale", Text: "Add a [[service]] to the configuration, then:", Command: order.Command("reload")}
	case len(missing) > 0:
		return tick{Title: plural(len(missing), "service is", "services are") + " not listed", Text: strings.Join(missing, ", ") + ". This says why:", Command: order.Command("services")}
	}
	return tick{OK: true, Title: plural(len(titles), "service is listed", "services are listed"), Text: strings.Join(titles, ", ")}
}

func generatorTick(n view.Overview) tick {
	var names, paused []string
	for _, g := range n.Generators {
		if names = append(names, g.Name); !g.PausedSince.IsZero() {
			paused = append(paused, g.Name)
		}
	}
	switch {
	case len(names) == 0:
		return tick{Title: "No generator makes anything", Text: "Connect one in the configuration, then:", Command: order.Command("doctor")}
	case len(paused) > 0:
		return tick{Title: plural(len(paused), "generator does", "generators do") + " not answer", Text: strings.Join(paused, ", ") + ". This checks it:", Command: order.Command("doctor")}
	}
	return tick{OK: true, Title: plural(len(names), "generator is", "generators are") + " connected", Text: strings.Join(names, ", ")}
}

func walletTick(n view.Overview) tick {
	if slices.ContainsFunc(n.Attention, func(a view.Attention) bool { return a.Code == order.AlertWallet.Code() }) {
		return tick{Title: "No payout wallet", Text: "Orders that complete without one are not paid out. Set payout_wallet in the configuration, then:", Command: order.Command("agent sync")}
	}
	return tick{OK: true, Title: "Payouts have a wallet"}
}
