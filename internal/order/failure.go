package order

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Class says what a failure means for the job that met it.
type Class string

// The classes of failure.
const (
	// Retry: try again after a backoff; the attempt counts.
	Retry Class = "retry"
	// Wait: try again after Failure.After; the attempt does not count. Used
	// for an exhausted budget, a 429, and the time an unknown send may need.
	Wait Class = "wait"
	// Fail: never again.
	Fail Class = "fail"
	// Hold: only the owner can mend it.
	Hold Class = "hold"
	// Lost: the lease is gone; whatever was done must not be recorded.
	Lost Class = "lost"
	// Stopped: the daemon is stopping; the work goes back, uncounted.
	Stopped Class = "stopped"
)

// Failure is the one error type that a stage answers with. Anything else it
// returns is taken as a Retry.
type Failure struct {
	Class Class
	// Code is a short stable word for views and tests: rate_limited, refused.
	Code Code
	Err  error
	// Hint says what the owner can do, without a full stop; may be empty.
	Hint string
	// After is the least delay of a Retry and the delay of a Wait.
	After time.Duration
	// Outage says that the other side is down, which says nothing about the
	// work: a Retry then costs no attempt, and goes on for as long as it lasts.
	Outage bool
	// Cost is what the failed attempt has spent all the same, where it is known;
	// Spending says what to count where it is not.
	Cost   USD
	Charge Charge
	// Reason is what was said by whoever refused the work, as the client may be told;
	// empty when nothing was.
	Reason string
	// Log is the tail of the generator's own output, if there is one.
	Log string
	// Message is a message that follows from a failure for good; nil for none.
	Message *NewMessage
}

// Charge says what became of the money for a call that failed.
type Charge string

// The fates of a call's money.
const (
	// ChargeFull: the call counts with its price.
	ChargeFull Charge = ""
	// ChargeNone: the call was not sent, or not accepted.
	ChargeNone Charge = "nothing"
	// ChargeUnknown: nobody can tell; it counts with its price, and whether the
	// call is made again is the owner's policy.
	ChargeUnknown Charge = "unknown"
	// ChargePending: the provider's job goes on, and its result is still to be had.
	ChargePending Charge = "still"
)

func (f *Failure) Error() string {
	if f.Err == nil {
		return string(f.Class) + " " + string(f.Code)
	}
	return f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// Failf makes a Failure of the given class and code.
func Failf(class Class, code Code, format string, args ...any) *Failure {
	return &Failure{Class: class, Code: code, Err: fmt.Errorf(format, args...)}
}

// WithHint returns f with a hint for the owner.
func (f *Failure) WithHint(format string, args ...any) *Failure {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

// Nothing returns f as one that cost nothing.
func (f *Failure) Nothing() *Failure {
	f.Charge = ChargeNone
	return f
}

// ErrStopping is the cancellation cause of work that is cut by a shutdown,
// ErrLeaseLost of work whose lease could not be kept, ErrOrderEnded of work
// whose order was cancelled or has vanished from the marketplace.
var (
	ErrStopping   = errors.New("the daemon is stopping")
	ErrLeaseLost  = errors.New("the lease is lost")
	ErrOrderEnded = errors.New("the order has ended")
)

// Classify turns what a stage returned into a Failure; nil stays nil. ctx is
// the context the stage ran under: once it is cancelled, its cause decides,
// because an error of cut work says nothing about the work.
func Classify(ctx context.Context, err error) *Failure {
	if err == nil {
		return nil
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrStopping):
		return &Failure{Class: Stopped, Code: CodeStopped, Err: ErrStopping}
	case errors.Is(cause, ErrLeaseLost), errors.Is(cause, ErrOrderEnded):
		return &Failure{Class: Lost, Code: CodeLeaseLost, Err: cause}
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Class: Retry, Code: CodeError, Err: err}
}
