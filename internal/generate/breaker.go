package generate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"atelierd/internal/order"
)

// Breaker pauses a generator that fails again and again for reasons that have
// nothing to do with the orders, and lets it go on once it has answered a probe.
// It may be used by several goroutines.
type Breaker struct {
	// Threshold is how many failures in a row pause the generator; 0 is 5. One
	// that only the owner can mend, such as a refused key, pauses it at once.
	Threshold int
	// Pause is the time between probes; 0 is 1 minute. It doubles up to 15
	// minutes while they fail.
	Pause time.Duration
	// Probe is asked before a paused generator goes on: its Check.
	Probe func(context.Context) error
	// Changed, if it is not nil, is told why the generator is paused, or "" once
	// it is not.
	Changed func(reason string)

	mu       sync.Mutex
	failures int
	reason   string // empty while it works
	until    time.Time
	pause    time.Duration
}

const longestPause = 15 * time.Minute

// Ready is nil when the generator may be called. A paused one is probed when its
// time has come; until it answers, the failure makes the work wait.
func (b *Breaker) Ready(ctx context.Context) error {
	b.mu.Lock()
	reason, wait := b.reason, time.Until(b.until)
	if reason != "" && wait <= 0 {
		b.until = time.Now().Add(b.pause) // others wait while this one probes
	}
	b.mu.Unlock()
	if reason == "" {
		return nil
	}
	if wait <= 0 {
		return b.Try(ctx)
	}
	return paused(reason, wait)
}

// Try probes the generator now, and pauses it or lets it go on.
func (b *Breaker) Try(ctx context.Context) error {
	err := b.Probe(ctx)
	if ctx.Err() != nil {
		return Stopped(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.stop(err)
		return paused(b.reason, time.Until(b.until))
	}
	if b.reason != "" {
		// A probe makes nothing, and may succeed where a call does not: one more
		// failure pauses the generator again, for longer.
		b.failures = b.threshold() - 1
		b.tell("")
	}
	return nil
}

// Instead gives what a failure means for the work that met it: one that the next
// order would meet as well, and that only the owner can mend, makes it wait with
// the generator, which is paused.
func (b *Breaker) Instead(f order.Failure) order.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reason == "" || f.Class != order.Hold || !slices.Contains(providerCodes, f.Code) {
		return f
	}
	wait := paused(b.reason, time.Until(b.until))
	wait.Charge, wait.Cost = f.Charge, f.Cost
	return *wait
}

func paused(reason string, wait time.Duration) *order.Failure {
	return &order.Failure{Class: order.Wait, Code: order.CodePaused, Err: errors.New("the generator is paused: " + reason),
		Hint: "it is probed again and again, and goes on by itself", After: wait, Charge: order.ChargeNone}
}

// Paused says whether the generator is paused now.
func (b *Breaker) Paused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason != ""
}

// Down says whether a failure shows that the generator cannot work now, which has
// nothing to do with the order.
func Down(f *order.Failure) bool {
	return f.Outage || f.Code == order.CodePaused || f.Code == order.CodeTryLater || f.Class == order.Hold && slices.Contains(ownerCodes, f.Code)
}

// providerCodes are failures that the next order would meet as well, and ownerCodes
// those with which the owner's own program asks for the owner.
var (
	providerCodes = []order.Code{order.CodeProviderKeyMissing, order.CodeProviderKeyRefused, order.CodeNoCredit, order.CodeProviderNotFound, order.CodeProviderRedirected}
	ownerCodes    = append([]order.Code{order.CodeMisconfigured}, providerCodes...)
)

// Report tells how a call went: with nil, or with its failure.
func (b *Breaker) Report(f *order.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case f == nil:
		b.failures, b.pause = 0, 0
		b.tell("")
	case f.Code == order.CodeProviderRateLimited:
		b.fail(f) // one that never has room is as good as down
	case f.Class == order.Hold && slices.Contains(ownerCodes, f.Code):
		b.stop(f)
	case f.Class == order.Stopped, f.Class == order.Lost, f.Class == order.Wait, f.Charge == order.ChargePending && !f.Outage:
		// It says nothing.
	case f.Outage, f.Charge == order.ChargeUnknown:
		b.fail(f)
	default:
		b.failures, b.pause = 0, 0 // it has answered
	}
}

func (b *Breaker) fail(f *order.Failure) {
	if b.failures++; b.failures >= b.threshold() {
		b.stop(f)
	}
}

func (b *Breaker) threshold() int {
	if b.Threshold > 0 {
		return b.Threshold
	}
	return 5
}

// stop pauses the generator, each time for longer until it has made something.
func (b *Breaker) stop(err error) {
	f, _ := errors.AsType[*order.Failure](err)
	switch {
	case f != nil && f.Code == order.CodeNoCredit:
		b.pause = max(longestPause, b.first()) // most probes answer without money, too
	case b.pause == 0:
		b.pause = b.first()
	default:
		b.pause = min(2*b.pause, max(longestPause, b.first()))
	}
	b.until = time.Now().Add(b.pause)
	b.tell(err.Error())
}

func (b *Breaker) first() time.Duration {
	if b.Pause > 0 {
		return b.Pause
	}
	return time.Minute
}

// tell sets why the generator is paused, and says so unless it was said already.
func (b *Breaker) tell(reason string) {
	if was := b.reason; was == reason {
		return
	}
	if b.reason = reason; b.Changed != nil {
		b.Changed(reason)
	}
}
