package order

import (
	"slices"
	"time"
)

// FailedCall is what AfterCall needs to know of a call that has failed.
type FailedCall struct {
	Call    Call
	Failure Failure
	// Resumed: an earlier attempt began the call.
	Resumed bool
	// Repeats: the provider recognizes the call's key, so that the same call can be
	// made again and is paid for once.
	Repeats bool
	// HoldUnknown: the owner decides about calls of unknown outcome.
	HoldUnknown bool
	// LateFor is how long the result has been late.
	LateFor time.Duration
	// HostsFault: this machine caused the failure, such as a full disk.
	HostsFault bool
}

// CallOutcome is what follows from a failed call.
type CallOutcome struct {
	// State and Cost are how the call is closed. An empty State leaves it open: the
	// next attempt resumes it, or makes the same call again under its key.
	State CallState
	Cost  USD
	// Failure is what the attempt ends with.
	Failure Failure
}

// AfterCall returns what follows from a failed call: whether it stays open or is
// closed, at which cost, and whether the attempt counts.
func AfterCall(c FailedCall) CallOutcome {
	f := c.Failure
	if c.Resumed && c.Call.Ticket == "" && f.Charge == ChargeNone && f.Class != Fail {
		f.Charge = ChargePending // asking again cost nothing; the first request may have
	}
	switch {
	case f.Late():
		return CallOutcome{Failure: f.lateFor(c.LateFor)}
	case f.Class == Stopped, f.Class == Lost, f.Charge == ChargePending:
		return CallOutcome{Failure: f}
	case f.Code == CodeKeyReused:
		// No request with this key will be taken, so the call is over.
	case f.Charge == ChargeUnknown && c.Repeats && !f.Over:
		return CallOutcome{Failure: f}
	case f.Charge == ChargeUnknown && c.HoldUnknown && f.Over:
		return CallOutcome{Failure: *UnknownCall(c.Call.Generator, &f).WithHint(
			"look at your account at the provider; %s looks for a late result, %s makes another call, which is paid for",
			Command("orders retry", AnyOrder), Command("orders redo", AnyOrder))}
	case f.Charge == ChargeUnknown && c.HoldUnknown:
		return CallOutcome{Failure: *UnknownCall(c.Call.Generator, &f)}
	}
	state, cost := c.Call.Ended(&f)
	f.Cost = 0 // the call's record has it
	if cost == 0 && c.HostsFault {
		f.Charge = ChargeNone // the work waits, which uses no attempt
	}
	if cost > 0 && f.Code != CodeJobLost {
		// What was paid for counts as an attempt, or it would be paid for without end. A
		// lost job is made again for a limited time, see LaterUntil.
		f.Outage = false
		if f.Class == Wait {
			f.Class = Retry
		}
	}
	return CallOutcome{State: state, Cost: cost, Failure: f}
}

// UnknownCall is the failure that leaves a call of unknown outcome to the owner.
// err says how the outcome was lost.
func UnknownCall(generator string, err error) *Failure {
	return Failf(Hold, CodeUnknownCall, "a call of generator %s may have been paid for: %w", generator, err).
		WithHint("look at your account at the provider; %s makes another call, which is paid for", Command("orders retry", AnyOrder))
}

// OpenCall is a call that an earlier attempt left open.
type OpenCall struct {
	Call Call
	// Configured: its generator is configured. Repeats and HoldUnknown are as in
	// FailedCall.
	Configured, Repeats, HoldUnknown bool
	// Superseded: another open call of the job is resumed.
	Superseded bool
}

// CallFate is what becomes of an open call when its job runs again.
type CallFate string

// The fates of an open call.
const (
	// FateResume: the generator that began it resumes it.
	FateResume CallFate = "resume"
	// FateAsk: the owner decides, because it may have been paid for.
	FateAsk CallFate = "ask"
	// FateStranded: the provider has its job, and the generator is not configured.
	FateStranded CallFate = "stranded"
	// FateUnknown: it is closed as unknown and counts as spent.
	FateUnknown CallFate = "unknown"
)

// Fate returns what becomes of the call.
func (o OpenCall) Fate() CallFate {
	ticket := o.Call.Ticket != ""
	switch {
	case o.Configured && !o.Superseded && (ticket || o.Repeats):
		return FateResume
	case o.Configured && o.HoldUnknown && !ticket:
		return FateAsk
	case !o.Configured && ticket:
		return FateStranded
	}
	return FateUnknown
}

// GeneratorHealth is what a failed call shows of its generator, whatever the order.
type GeneratorHealth string

// What a failed call shows of its generator.
const (
	// GeneratorAnswers: it works; the failure is about the order.
	GeneratorAnswers GeneratorHealth = "answers"
	// GeneratorFails: it may be down. Several such failures in a row pause it.
	GeneratorFails GeneratorHealth = "fails"
	// GeneratorBroken: the next order would fail in the same way until the owner
	// fixes it, so it is paused at once.
	GeneratorBroken GeneratorHealth = "broken"
	// GeneratorSilent: the failure says nothing about it.
	GeneratorSilent GeneratorHealth = "silent"
)

// providerCodes are held failures that the next order would meet too. ownerCodes
// adds the one by which the owner's program asks for the owner.
var (
	providerCodes = []Code{CodeProviderKeyMissing, CodeProviderKeyRefused, CodeNoCredit, CodeProviderNotFound, CodeProviderRedirected}
	ownerCodes    = append([]Code{CodeMisconfigured}, providerCodes...)
)

// Health returns what the failure of a call shows of its generator.
func (f *Failure) Health() GeneratorHealth {
	switch {
	case f.Code == CodeProviderRateLimited:
		return GeneratorFails // a provider that never has room is as good as down
	case f.Later():
		return GeneratorAnswers
	case f.Class == Hold && slices.Contains(ownerCodes, f.Code):
		return GeneratorBroken
	case f.Class == Stopped, f.Class == Lost, f.Class == Wait, f.Charge == ChargePending && !f.Outage:
		return GeneratorSilent
	case f.Outage, f.Charge == ChargeUnknown:
		return GeneratorFails
	}
	return GeneratorAnswers
}

// WaitsForGenerator reports whether the work can wait until the generator that
// failed works again: the failure is the provider's, and every order would meet
// it. A failure that the owner's program reports holds the order instead.
func (f *Failure) WaitsForGenerator() bool {
	return f.Class == Hold && slices.Contains(providerCodes, f.Code)
}

// StandIn reports whether another generator may take over from one that failed
// with f. Nothing may have been spent, and the generator must be down: paused, or
// asking to be left alone. A single outage is waited out, and a refusal is an answer.
func (f *Failure) StandIn(paused bool) bool {
	asks := f.Code == CodeTryLater || f.Code == CodeNoWorker
	down := f.Outage || f.Code == CodePaused || asks || f.Health() == GeneratorBroken
	return f.Charge == ChargeNone && down && (paused || asks)
}
