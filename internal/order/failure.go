package order

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Class is what a failure means for its job.
type Class string

// The classes of failure.
const (
	// Retry: the job is tried again after a backoff. The attempt counts.
	Retry Class = "retry"
	// Wait: the job is tried again after Failure.After. The attempt does not count.
	// For a used-up budget, a 429, and a request that may still take effect.
	Wait Class = "wait"
	// Fail: the job is given up.
	Fail Class = "fail"
	// Hold: the job waits for the owner.
	Hold Class = "hold"
	// Lost: the lease is lost, so nothing is recorded.
	Lost Class = "lost"
	// Stopped: the daemon is stopping. The job is put back, and the attempt does not
	// count.
	Stopped Class = "stopped"
)

// Failure is the error type of a stage. Any other error is a Retry.
type Failure struct {
	Class Class
	Code  Code
	Err   error
	// Hint is what the owner can do, without a full stop; may be empty.
	Hint string
	// After is the minimum delay of a Retry and the delay of a Wait.
	After time.Duration
	// Outage: the other side is down, which says nothing about the work. Such a
	// Retry costs no attempt and continues as long as the outage lasts.
	Outage bool
	// Cost is what the failed attempt spent, if it is known. Charge says what counts
	// if it is not.
	Cost   USD
	Charge Charge
	// Over: the call has ended under its key, so the same call cannot be made again.
	Over bool
	// Reason is why the work was refused, in words that the client may read; may be
	// empty.
	Reason string
	// Log is the end of the generator's own output, if there is any.
	Log string
	// Message goes to the client after a failure of class Wait, Hold or Fail; nil for
	// none.
	Message *NewMessage
	// Asked is the call of the assistant whose answer led to the failure. It is closed with
	// it at its cost; nil for none.
	Asked *Call
}

// Charge is what a failed call is charged.
type Charge string

// What a failed call is charged.
const (
	// ChargeFull: its cost, or its price where the cost is unknown.
	ChargeFull Charge = ""
	// ChargeNone: nothing. The request was not sent or not accepted.
	ChargeNone Charge = "none"
	// ChargeUnknown: unknown, so it counts with its price. The owner's configuration
	// decides whether another call is made.
	ChargeUnknown Charge = "unknown"
	// ChargePending: the provider still has the job, and its result can be fetched.
	ChargePending Charge = "pending"
)

func (f *Failure) Error() string {
	if f.Err == nil {
		return string(f.Class) + " " + string(f.Code)
	}
	return f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// Failf returns a Failure of the given class and code.
func Failf(class Class, code Code, format string, args ...any) *Failure {
	return &Failure{Class: class, Code: code, Err: fmt.Errorf(format, args...)}
}

// Rejections are the codes of attempts that rejected what a generator made. It is of no use,
// so that it is made again.
var Rejections = []Code{CodeBadFile, CodeNoOutput, CodeDuplicate, CodeSameAgain, CodeVetoed}

// WithHint returns f with a hint for the owner.
func (f *Failure) WithHint(format string, args ...any) *Failure {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

// Nothing returns f with a charge of nothing.
func (f *Failure) Nothing() *Failure {
	f.Charge = ChargeNone
	return f
}

// The causes for which work is cancelled: a shutdown, a lease that could not be
// renewed, and an order that was cancelled or has vanished from the marketplace.
var (
	ErrStopping   = errors.New("the daemon is stopping")
	ErrLeaseLost  = errors.New("the lease is lost")
	ErrOrderEnded = errors.New("the order has ended")
)

// Classify returns the Failure that err means, or nil if err is nil. ctx is the
// context of the stage. Once it is cancelled its cause decides, because the error of
// interrupted work says nothing about the work.
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
