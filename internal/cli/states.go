package cli

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// This file has the words and colours for states that several commands show.

func stateStyle(s order.State) term.Style {
	switch s {
	case order.StateHeld, order.StateFailed:
		return term.Red
	case order.StateWorking:
		return term.Yellow
	case order.StateDelivered, order.StateCompleted:
		return term.Green
	}
	return term.None
}

// longWait is how much of what work waits for is shown.
const longWait = 450

// waits describes how long a job waits, and why.
func waits(w store.Work, now time.Time) string { return term.Line(view.Waits(w, now), longWait) }

// moment is a time, and how far off it is. It is "" for an unknown time.
func moment(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return words.Clock(t) + ", " + words.Relative(now, t)
}
