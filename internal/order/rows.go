package order

import "time"

// StuckAfter is how long something fails until the owner is shown it, whatever the
// failure means: a retry that costs no attempt would continue unseen.
const StuckAfter = 3 * time.Hour

// TooLarge returns the failure of an order whose JSON is larger than atelierd reads.
func TooLarge(id string) *Failure {
	return Failf(Hold, CodeOrderTooLarge, "the marketplace's answer about it has more than 1 MiB, so it cannot be read in full").
		WithHint("settle it with the client at the marketplace, or run %s; work resumes by itself if it becomes smaller",
			Command("orders cancel", id))
}

// Vanished returns the failure of work for an order that the marketplace no longer
// lists.
func Vanished() *Failure {
	return Failf(Hold, CodeVanished, "the marketplace no longer lists the order").
		WithHint("look at the order at the marketplace; work resumes if it comes back")
}

// Lasts reports whether work is expected to wait with the code for hours, so that the
// owner need not be shown it.
func (c Code) Lasts() bool {
	switch c {
	case CodeWindow, // days
		CodePausedByOwner,      // as long as the owner likes
		CodeBudget, CodeDayCap, // until more is allowed
		CodePaused,         // which has an alert of its own
		CodeStorage,        // which has one too
		CodeSecondDaemon,   // which has one too
		CodeLease,          // which has one too
		CodeNoFeedback,     // the client is asked and has a day
		CodeNotNow,         // until the status takes messages
		CodeSlow, CodeBusy, // the provider works on it; held after a day
		CodeStopped, CodeCrashed, CodeLeaseLost:
		return true
	}
	return false
}
