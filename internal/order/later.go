package order

import "time"

// LaterLeast is the least time for which work waits for a generator of the owner that
// cannot work now.
const LaterLeast = 6 * time.Hour

// Later reports whether a generator of the owner cannot work now, as during a restart of
// its machine: its program asks to be run later, or its server has lost the job. It is
// waited for like an outage, and says nothing about the order.
func (f *Failure) Later() bool {
	return (f.Class == Retry || f.Class == Wait) && (f.Code == CodeTryLater || f.Code == CodeJobLost)
}

// LaterUntil returns until when work waits whose first such failure was at first: until it
// is due, and for LaterLeast at least.
func LaterUntil(first, due time.Time) time.Time {
	if least := first.Add(LaterLeast); due.Before(least) {
		return least
	}
	return due
}

// TooLate holds work that has waited long enough for the generator.
func (f Failure) TooLate(now, until time.Time) *Failure {
	if now.Before(until) {
		return &f
	}
	f.Class, f.Outage = Hold, false
	f.Hint = "see why the generator does not work, then " + Command("orders retry", AnyOrder)
	return &f
}
