package console

import (
	"errors"
	"fmt"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// This file has what the actions on an order do and cost at this moment, in words.

// outlook is which actions are possible, and what they cost.
type outlook struct {
	can owner.Possible
	view.Outlook
	services []view.Service
}

// outlook reads it for owners; others act on nothing.
func (c *console) outlook(v visit) (out outlook, err error) {
	if v.who.Role != access.Owner {
		return out, nil
	}
	id := v.PathValue("id")
	if out.can, err = c.actions(v).Possible(v.Context(), id); err == nil {
		out.Outlook, err = c.View.Outlook(v.Context(), id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return out, errNotFound
	} else if err != nil {
		return out, err
	}
	s, err := c.snapshot(v.Context())
	if err != nil {
		return out, err
	}
	out.services = s.now.Services
	return out, nil
}

// requests says how many requests to the marketplace an action takes.
func requests(t view.Takes) []effect {
	if t.Requests == 0 {
		return nil
	}
	return []effect{{Text: "Takes", Strong: fmt.Sprintf("%d of your %s", t.Requests, plural(t.Left, "request", "requests")), Rest: " of this hour."}}
}

// calls says which generator makes the files again, and what that costs.
func (f forms) calls(list []effect) []effect {
	m := f.out.Make
	if m.Generator == "" {
		return list
	}
	usual := "."
	if m.Usual >= time.Second {
		usual = ", usually " + spanText(m.Usual) + "."
	}
	list = append(list, effect{Text: "Calls", Mono: m.Generator, Rest: usual})
	switch {
	case !m.Known:
		return append(list, effect{Text: "What it costs is not known before. Your caps apply."})
	case m.Cost == 0:
		return append(list, effect{Text: "Costs nothing."})
	}
	return append(list,
		effect{Text: "Makes", Strong: sumOf(f.out.Spent+m.Cost, f.out.OrderCap), Rest: " for the order,"},
		effect{Text: "and", Strong: sumOf(f.out.SpentToday+m.Cost, f.out.DayCap), Rest: " for today."})
}

// sumOf is a sum of its cap, if there is one.
func sumOf(sum, limit order.USD) string {
	text, _ := money(sum)
	if limit > 0 {
		most, _ := money(limit)
		text += " of " + most
	}
	return text
}

// over is why a cap forbids another call, or "".
func (f forms) over() string {
	m := f.out.Make
	adds := func(spent, limit order.USD) string {
		now, _ := money(spent)
		more, _ := money(m.Cost)
		most, _ := money(limit)
		return now + " + " + more + " of " + most + "."
	}
	switch {
	case m.Over == "":
		return ""
	case m.OverCode == order.CodeDayCap && f.out.DayCap > 0:
		midnight := order.Day(f.c.format.now()).Add(24 * time.Hour).In(f.c.Zone())
		return "Would pass today's cap: " + adds(f.out.SpentToday, f.out.DayCap) + " Possible again at " + midnight.Format("15:04") + ", midnight UTC."
	case m.OverCode == order.CodeOrderCap && f.out.OrderCap > 0:
		return "Would pass the cap of an order: " + adds(f.out.Spent, f.out.OrderCap)
	}
	return sentence(m.Over)
}

// about is what another making costs, for a button; "" for nothing.
func (f forms) about() string {
	if m := f.out.Make; m.Known && m.Cost > 0 {
		text, _ := money(m.Cost)
		return " for about " + text
	}
	return ""
}
