package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file is what needs the owner, each with the next step.

type attentionView struct {
	What   string     `json:"what"` // order, piece, message, service, row, generator or daemon
	ID     string     `json:"id"`
	State  string     `json:"state"`
	Code   order.Code `json:"code"`
	Reason string     `json:"reason"`
	Hint   string     `json:"hint"`
	Since  time.Time  `json:"since"`
	// Services are not listed as long as the generator is paused.
	Services []string `json:"services,omitempty"`
}

// viewAttention leaves out what is over, and shows a generator's trouble once,
// not again for each service that it keeps from being listed.
func viewAttention(cfg *config.Config, st store.Status, now time.Time) []attentionView {
	list := []attentionView{}
	paused, behind := pausedBy(st.Facts), map[string][]string{}
	for _, a := range st.Attention {
		if a.Code == order.AlertSpending.Code() && a.Since.Before(order.Day(now)) {
			continue // it was another day's cap
		}
		if a.What == "service" {
			if name := heldBy(cfg, a.ID, a.Reason, paused); name != "" {
				behind[name] = append(behind[name], a.ID)
				continue
			}
		}
		list = append(list, attentionView{What: a.What, ID: a.ID, State: a.State, Code: a.Code,
			Reason: a.Reason, Hint: cmp.Or(a.Hint, nextStep(a)), Since: a.Since})
	}
	for i, a := range list {
		if a.What == "generator" {
			list[i].Services = behind[a.ID]
		}
	}
	return list
}

// pausedBy gives the facts that say why generators are paused, by their names.
func pausedBy(facts []store.Fact) map[string]store.Fact {
	list := map[string]store.Fact{}
	for _, f := range facts {
		if name, ok := strings.CutPrefix(f.Name, string(order.AlertGenerator.Code())); ok {
			list[name] = f
		}
	}
	return list
}

// generatorOf names the generator of a service, "" when none is configured so.
func generatorOf(cfg *config.Config, title string) string {
	at := slices.IndexFunc(cfg.Services, func(s config.Service) bool { return strings.EqualFold(s.Title, strings.TrimSpace(title)) })
	if at < 0 {
		return ""
	}
	return cfg.Services[at].Generator
}

// heldBy names the paused generator for which a service is not listed, or "" when
// it is held for another reason.
func heldBy(cfg *config.Config, title, reason string, paused map[string]store.Fact) string {
	name := generatorOf(cfg, title)
	for _, each := range append([]string{name}, cfg.Generators[name].Fallback...) {
		if f, is := paused[each]; is && f.Value == reason {
			return each
		}
	}
	return ""
}

// showPaused marks the services whose generator is paused. Why is said where it
// needs the owner.
func showPaused(cfg *config.Config, services []serviceView, paused map[string]store.Fact) {
	for i, v := range services {
		switch v.State {
		case string(order.ServiceListed):
			if name, standIn := pausedFor(cfg, v.Title, paused); name != "" {
				services[i].State, services[i].Since = "paused", paused[name].Since
				services[i].Reason = "generator " + name + " is paused" + standIn
			}
		case string(order.ServiceHeld):
			if name := heldBy(cfg, v.Title, v.Reason, paused); name != "" {
				services[i].Reason = "not listed: generator " + name + " is paused"
			}
		}
	}
}

// pausedFor names the generator of a service if it is paused, and says which one
// stands in for it.
func pausedFor(cfg *config.Config, title string, paused map[string]store.Fact) (name, standIn string) {
	name = generatorOf(cfg, title)
	if _, is := paused[name]; !is {
		return "", ""
	}
	for _, other := range cfg.Generators[name].Fallback {
		if _, is := paused[other]; !is {
			return name, "; " + other + " stands in"
		}
	}
	return name, ""
}

// nextStep is the hint for what came without one.
func nextStep(a store.Attention) string {
	switch a.What {
	case "order", "piece", "message":
		if a.Code == order.CodeRefused && a.What == "order" {
			return refusedHint(a.ID)
		}
		return order.Command("orders show", a.ID) + " tells all about it, " + order.Command("orders retry", a.ID) + " tries it again"
	case "service":
		return "mend it and start again; `atelierd doctor` checks the generators"
	case "row":
		return "the marketplace listed an order that could not be read; look at your orders there"
	case "generator":
		return "mend it if it needs you (`atelierd doctor` says more); it is probed again and again, and a restart probes at once"
	}
	switch a.Code {
	case order.AlertWallet.Code():
		return "set agent.payout_wallet in the configuration, then `atelierd agent sync`"
	case order.AlertSpending.Code():
		return "work goes on tomorrow (UTC), or with a higher spending.day_usd after a restart"
	case order.AlertKey.Code():
		return "put a valid key in place; work goes on by itself"
	}
	return "the daemon's log says more"
}

// refusedHint is the next step for such an order: mostly there is none.
func refusedHint(id string) string {
	return order.Command("orders cancel", id) + " puts it aside; it is tried again only by `atelierd orders retry`"
}

// mostAttention is how many of the things to do are shown.
const mostAttention = 10

func (v statusView) showAttention(g *term.Page, now time.Time) {
	if len(v.Attention) == 0 {
		g.Linef("\n%s", g.Paint(term.Green, "nothing needs you"))
		return
	}
	g.Heading("needs you")
	for _, a := range v.Attention[:min(len(v.Attention), mostAttention)] {
		what := a.What + " " + term.Line(a.ID, 70)
		if a.What == "daemon" || a.What == "row" {
			what = a.What
		}
		g.Linef("  %s  %s %s", g.Paint(term.Red, what), a.State, term.Relative(now, a.Since))
		if a.Reason != "" {
			g.Note("    ", term.Line(a.Reason, 300))
		}
		if len(a.Services) > 0 {
			g.Note("    ", "not listed until it works: "+term.Line(strings.Join(a.Services, ", "), 300))
		}
		g.Hint("    ", term.Line(a.Hint, 300))
	}
	if more := len(v.Attention) - mostAttention; more > 0 {
		g.Linef("  and %d more; --json shows all", more)
	}
}
