package view

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// This file has what the assistant did for an order.

// Prompt is what the assistant wrote for a take of a round or a piece. Without a Prompt the
// template was used, and Note says why.
type Prompt struct {
	Kind         order.Kind `json:"kind"`
	Round        int        `json:"round"`
	Take         int        `json:"take"`
	Prompt       string     `json:"prompt"`
	Requirements []string   `json:"requirements"`
	Note         string     `json:"note"`
	WrittenAt    time.Time  `json:"written_at"`
}

// TakeCheck is what the assistant found in the files of a take. Without a Score, Note says why.
type TakeCheck struct {
	Kind      order.Kind `json:"kind"`
	Round     int        `json:"round"`
	Take      int        `json:"take"`
	Score     *int       `json:"score"` // null if there is none
	Below     int        `json:"below"`
	Problems  []string   `json:"problems"`
	Note      string     `json:"note"`
	CheckedAt time.Time  `json:"checked_at"`

	Low   bool   `json:"-"`
	Words string `json:"-"`
}

// addAssist adds what the assistant did.
func (v *History) addAssist(h store.History) {
	for _, p := range h.Prompts {
		v.Prompts = append(v.Prompts, Prompt{p.Kind, p.Round, p.Take, p.Text, append([]string{}, p.Requirements...), p.Note, p.At})
	}
	for _, c := range h.Checks {
		v.Checks = append(v.Checks, TakeCheck{
			Kind: c.Kind, Round: c.Round, Take: c.Take, Score: c.Score, Below: c.Below, Problems: append([]string{}, c.Problems...),
			Note: c.Note, CheckedAt: c.At, Low: c.Low(), Words: c.Words(),
		})
	}
}
