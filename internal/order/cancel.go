package order

import (
	"math/rand/v2"
	"time"
)

// CancelTries is how often a provider is asked to cancel one job.
const CancelTries = 5

// CancelPause returns the time after the given try, from 1, until the next one. All tries
// together take at least LateLimit, because a provider may not know a new job at first.
func CancelPause(try int) time.Duration {
	d := LateLimit / (1<<(CancelTries-1) - 1) << (try - 1)
	return d + rand.N(d)
}

// Cancellation is an open call whose job is to be cancelled at its provider, because its
// order has ended or the owner has the work made again.
type Cancellation struct {
	Call    Call
	OrderID string
	JobID   int64
	// Tries is how often the provider was asked.
	Tries int
}

// CancelResult is what a provider says about a job that is not needed any more.
type CancelResult struct {
	// Ended: the job had ended before, or the provider does not have it any more.
	Ended bool
	// Missing: the provider does not show the job, any more or yet.
	Missing bool
	// Cost is what the provider charges for it. It is known if CostKnown.
	Cost      USD
	CostKnown bool
}

// Settled returns how the call is closed: at the reported cost, else at its price.
func (c Cancellation) Settled(how CancelResult) (end CallOutcome, note string) {
	end.Cost = c.Call.Cost
	if how.CostKnown {
		end.Cost = how.Cost
	}
	switch {
	case how.Missing:
		end.State = CallUnknown
		return end, "not needed any more; the provider does not have its job"
	case how.Ended:
		end.State = CallUnknown
		return end, "not needed any more; the provider's job had ended"
	}
	end.State = CallFailed
	return end, "not needed any more; cancelled at the provider"
}

// GivenUp returns how the call is closed when its job could not be cancelled. err is why.
func (c Cancellation) GivenUp(err error) (end CallOutcome, note string) {
	return CallOutcome{State: CallUnknown, Cost: c.Call.Cost}, "not needed any more; it could not be cancelled at the provider: " + err.Error()
}

// JobEnded reports whether f, the failure of a poll, says that the job has ended: it
// failed or was refused, it is done without a result, or the provider does not have it.
func (f *Failure) JobEnded() bool {
	switch f.Code {
	case CodeNoOutput, CodeJobLost:
		return true
	case CodeRefused, CodeProviderFailed:
		return f.Charge != ChargePending
	}
	return f.Late()
}

// JobMissing reports whether f, the failure of a poll, says that the provider does not
// have the job or its result, which it may have later.
func (f *Failure) JobMissing() bool { return f.Late() && f.Code == CodeExpired }
