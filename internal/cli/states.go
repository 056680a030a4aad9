package cli

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file has the words and colours for states that several commands show.

// openStates are the states of an order that has not ended, in the order in
// which they are listed.
var openStates = []order.State{order.StateHeld, order.StateFailed, order.StateWorking, order.StateDelivered, order.StateWaiting}

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

// cancelledByOwner describes an order on which the owner has stopped the work.
// At the marketplace it is still open.
func cancelledByOwner(reason string) string {
	if reason == "" {
		return "cancelled by you"
	}
	return "cancelled by you: " + term.Line(reason, 300)
}

// nextDay is when work that waits at the day's cap may run again.
const nextDay = "00:00 UTC"

// waits describes how long a job waits, and why. It returns "" for a job that is
// due or does not wait. A job at the day's cap looks again now and then, but is
// shown as waiting for the next day.
func waits(w store.Work, now time.Time) string {
	if w.State != order.JobReady || !w.RunAt.After(now) {
		return ""
	}
	text := "waits " + term.Span(w.RunAt.Sub(now))
	if w.Code == order.CodeDayCap {
		text = "waits until " + nextDay
	}
	if w.Reason == "" {
		return text
	}
	return text + ": " + term.Line(w.Reason, 400)
}

// moment is a time, and how far off it is. It is "" for an unknown time.
func moment(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return term.Clock(t) + ", " + term.Relative(now, t)
}
