package view

import (
	"cmp"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// Attention is something that needs the owner, with the next step.
type Attention struct {
	What   string     `json:"what"` // order, piece, message, thread, service, row, generator, sample or daemon
	ID     string     `json:"id"`
	State  string     `json:"state"`
	Code   order.Code `json:"code"`
	Reason string     `json:"reason"`
	Hint   string     `json:"hint"`
	Since  time.Time  `json:"since"`
	// Services are those that are not listed because the generator is paused.
	Services []string `json:"services,omitempty"`

	due time.Time // of an order that waits
}

// viewAttention returns what needs the owner now. A paused generator comes once,
// and not again for each service that is not listed because of it.
func viewAttention(cfg *config.Config, st store.Status, now time.Time) []Attention {
	list := []Attention{}
	restored := slices.ContainsFunc(st.Attention, func(a store.Attention) bool { return a.Code == order.AlertRestored.Code() })
	paused, behind := PausedGenerators(st.Facts), map[string][]string{}
	for _, a := range st.Attention {
		if a.Code == order.AlertSpending.Code() && a.Since.Before(order.Day(now)) {
			continue // that was the cap of an earlier day
		}
		if a.What == "service" {
			if name := PausedBehind(cfg, a.ID, a.Reason, paused); name != "" {
				behind[name] = append(behind[name], a.ID)
				continue
			}
		}
		if a.Code == order.AlertPaused.Code() || a.Code == order.AlertServicePaused.Code() {
			at := slices.IndexFunc(st.Pauses, func(p order.Pause) bool { return p.Service == "" && a.What == "daemon" || p.Service == a.ID })
			if at < 0 {
				continue // it is over, and no daemon has looked since
			}
			a.Reason = PauseText(st.Pauses[at], cfg.Zone())
		}
		hint := cmp.Or(a.Hint, NextStep(order.Condition{What: a.What, ID: a.ID, Code: a.Code}))
		if a.Code == order.AlertSpending.Code() && restored {
			hint = "work resumes tomorrow (UTC), or after " + order.Command("reconcile --accept")
		}
		list = append(list, Attention{
			What: a.What, ID: a.ID, State: a.State, Code: a.Code,
			Reason: a.Reason, Hint: hint, Since: a.Since, due: a.Due,
		})
	}
	for i, a := range list {
		if a.What == "generator" && a.Code == order.GeneratorAlert(a.ID).Code() {
			list[i].Services = behind[a.ID]
		}
	}
	return list
}

// notReconciled returns why all work waits until the ledger is reconciled.
func notReconciled(l order.Ledger, running bool) []Attention {
	if l.Reconcile == "" {
		return nil
	}
	hint := order.Command("run") + " compares it with the marketplace before it works"
	if running {
		hint = "wait until the daemon has compared it with the marketplace; its log says what delays that"
	}
	return []Attention{{
		What: "daemon", ID: string(order.AlertRestored.Code()), State: "held", Code: order.AlertRestored.Code(), Since: l.RestoredAt,
		Reason: "the data folder is not reconciled yet: " + l.Reconcile, Hint: hint,
	}}
}

// fullDisk returns what the owner has to know of a disk without room.
func fullDisk(dir string, now time.Time) []Attention {
	list := []Attention{}
	for _, c := range LowDisk(dir) {
		list = append(list, Attention{What: c.What, ID: string(c.Code), State: c.State, Code: c.Code, Since: now, Reason: c.Reason, Hint: c.Hint})
	}
	return list
}

// Subject returns what needs the owner, and in what state that is.
func (a Attention) Subject() (what, state string) {
	switch a.What {
	case "daemon":
		if what, state = a.Code.Subject(); what != "" {
			return what, state
		}
		return a.What, a.State
	case "row":
		return a.What, a.State
	}
	return a.What + " " + words.Line(a.ID, 70), a.State
}
