package console

import (
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file has what the assistant did for an order: its prompts, and what it found in the
// files. A model wrote all of it.

// mostAssisted is how many takes the page shows what the assistant did for.
const mostAssisted = 12

// assisted is what the assistant did for a take.
type assisted struct {
	Title string
	Score state
	// Problems, Why and the Prompt are foreign.
	Problems []string
	Why      string // there is no score
	Prompt   *quoted
}

// theAssist is what the assistant did, for the newest take first.
func theAssist(h view.History) (list []assisted) {
	type key struct {
		kind        order.Kind
		round, take int
	}
	byTake := map[key]*assisted{}
	var takes []key
	of := func(k key) *assisted {
		if byTake[k] == nil {
			byTake[k] = &assisted{Title: upper(made{Kind: k.kind, Round: k.round, Take: k.take}.title())}
			takes = append(takes, k)
		}
		return byTake[k]
	}
	for _, t := range h.Takes {
		if t.SameAs > 0 {
			of(key{t.Kind, t.Round, t.Take}).Score = state{"", fmt.Sprintf("the files of take %d", t.SameAs)}
		}
	}
	for _, p := range h.Prompts {
		a := of(key{p.Kind, p.Round, p.Take})
		a.Prompt = &quoted{Who: "Prompt of the assistant", At: p.WrittenAt, Text: p.Prompt}
		if p.Prompt == "" {
			a.Prompt = &quoted{Who: "The template was used", At: p.WrittenAt, Text: p.Note}
		}
		if len(p.Requirements) > 0 {
			a.Prompt.Text += "\n\n- " + strings.Join(p.Requirements, "\n- ")
		}
	}
	for _, c := range h.Checks {
		a := of(key{c.Kind, c.Round, c.Take})
		a.Problems, a.Why = c.Problems, ""
		switch {
		case c.Score == nil:
			a.Score, a.Why = state{"wait", "no score"}, c.Words
		case c.Low:
			a.Score = state{"bad", c.Words}
		default:
			a.Score = state{"good", c.Words}
		}
	}
	slices.SortFunc(takes, func(a, b key) int {
		if a.round != b.round {
			return b.round - a.round
		}
		return b.take - a.take
	})
	for _, k := range takes[:min(len(takes), mostAssisted)] {
		list = append(list, *byTake[k])
	}
	return list
}

// scoredLow reports whether what was made last for the round of an order has no score that is
// good enough, although some of it has a score.
func scoredLow(h view.History) bool {
	low, last := false, false
	for _, c := range h.Checks {
		if c.Kind == order.KindPiece && len(h.Pieces) > 0 || c.Round == h.Order.Round {
			low, last = low || c.Low, c.Score == nil || c.Low
		}
	}
	return low && last
}
