package order

import "time"

// JobDeadline is how long after its call a provider's job may have no result until
// the owner is asked.
const JobDeadline = 24 * time.Hour

// WithCost returns the failure of a useless result with the cost that the provider
// reported. A cost that is known already stays, and what was not charged costs nothing.
func (f *Failure) WithCost(reported USD) *Failure {
	if f.Cost > 0 || f.Charge == ChargeNone || f.Charge == ChargePending {
		return f
	}
	own := *f
	own.Cost = reported
	return &own
}

// WithTicket returns the failure of a request about a submitted job. The job is
// pending: it may cost something although the request did nothing. Without a ticket
// there is no job.
func (f *Failure) WithTicket(ticket string) *Failure {
	if ticket == "" {
		return f
	}
	own := *f
	own.Charge = ChargePending
	return &own
}

// Overdue holds a job that is still pending at its deadline. Until then its work
// waits: a slow job, or one of unknown state, is no failed attempt. A late result has its
// own limit.
func (f *Failure) Overdue(sinceCall time.Duration) *Failure {
	if f.Late() || f.Charge != ChargePending || f.Class != Wait && !f.Outage || sinceCall < JobDeadline {
		return f
	}
	held := Failf(Hold, CodeOverdue, "the job has no result a day after the call: %w", f).
		WithHint("look at the provider; %s asks for the job again, %s makes another call, which is paid for",
			Command("orders retry", AnyOrder), Command("orders redo", AnyOrder))
	held.Charge = ChargePending
	return held
}
