package view

import (
	"fmt"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// Assisted is what the assistant cost, and how often clients sent back what was delivered
// with it and without it.
type Assisted struct {
	Cost  string `json:"cost_usd"`       // of the orders that completed
	Other string `json:"other_cost_usd"` // of what else was spent
	Lost  string `json:"lost_usd"`       // of both, for what bought nothing
	All   string `json:"all_cost_usd"`
	Rounds
}

// Rounds are the rounds that were delivered with the assistant and without it.
type Rounds struct {
	With    SentBack `json:"rounds_with"`
	Without SentBack `json:"rounds_without"`
}

// SentBack is how many rounds were delivered, and how many of them were sent back.
type SentBack struct {
	Delivered int `json:"delivered_rounds"`
	SentBack  int `json:"sent_back_rounds"`
	// Percent is the share, such as "12.5"; empty if nothing was delivered.
	Percent string `json:"sent_back_percent"`
}

// assisted returns nil if the assistant cost nothing and wrote nothing.
func assisted(a store.Accounts) *Assisted {
	var cost, other, lost order.USD
	for _, e := range a.Earned {
		for _, c := range e.Costs {
			if c.Generator == order.Assistant {
				cost, lost = cost+c.Cost, lost+c.Lost
			}
		}
	}
	for _, c := range a.Other {
		if c.Generator == order.Assistant {
			other, lost = other+c.Cost.Cost, lost+c.Lost
		}
	}
	if cost+other == 0 && a.Rounds.With.Delivered == 0 {
		return nil
	}
	return &Assisted{cost.String(), other.String(), lost.String(), (cost + other).String(), newRounds(a.Rounds)}
}

func newRounds(r store.Rounds) Rounds { return Rounds{sentBack(r.With), sentBack(r.Without)} }

func sentBack(s store.SentBack) SentBack {
	v := SentBack{Delivered: s.Delivered, SentBack: s.SentBack}
	if s.Delivered > 0 {
		v.Percent = fmt.Sprintf("%.1f", 100*float64(s.SentBack)/float64(s.Delivered))
	}
	return v
}

// Text says what was sent back, such as "2 of 40 rounds (5.0 %)".
func (s SentBack) Text() string {
	if s.Delivered == 0 {
		return "none was delivered"
	}
	return fmt.Sprintf("%d of %s (%s %%)", s.SentBack, words.Count(s.Delivered, "round"), s.Percent)
}

// Text compares both in a line.
func (r Rounds) Text() string {
	return "sent back with the assistant: " + r.With.Text() + "; without it: " + r.Without.Text()
}
