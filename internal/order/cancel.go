package order

import "time"

// CancelTries is how often a provider is asked to cancel one job.
const CancelTries = 5

// CancelBackoff is the time between two tries.
var CancelBackoff = Backoff{Base: 30 * time.Second, Max: 10 * time.Minute}

// Cancellation is an open call whose job is to be cancelled at its provider, because its
// order has ended or the owner has the work made again.
type Cancellation struct {
	Call    Call
	OrderID string
	JobID   int64
	// Tries is how often the provider was asked.
	Tries int
}

// CancelResult is what a provider says about a job that is not wanted any more.
type CancelResult struct {
	// Ended: the job had ended before, or the provider does not have it.
	Ended bool
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
	if how.Ended {
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
