package view

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// OpenStates are the states of an order that has not ended, in the order in
// which they are listed.
var OpenStates = []order.State{order.StateHeld, order.StateFailed, order.StateWorking, order.StateDelivered, order.StateWaiting}

// CancelledByOwner describes an order on which the owner has stopped the work.
// At the marketplace it is still open.
func CancelledByOwner(reason string) string {
	if reason == "" {
		return "cancelled by you"
	}
	return "cancelled by you: " + reason
}

// NextDay is when work that waits at the day's cap may run again.
const NextDay = "00:00 UTC"

// Waits describes how long a job waits, and why. It returns "" for a job that is
// due or does not wait. A job at the day's cap looks again now and then, but is
// shown as waiting for the next day.
func Waits(w store.Work, now time.Time) string {
	if w.State != order.JobReady || !w.RunAt.After(now) {
		return ""
	}
	text := "waits " + words.Span(w.RunAt.Sub(now))
	switch w.Code {
	case order.CodeDayCap:
		text = "waits until " + NextDay
	case order.CodeApproved:
		return "approved, goes to the client in " + words.Span(w.RunAt.Sub(now))
	}
	if w.Reason == "" {
		return text
	}
	return text + ": " + w.Reason
}
