package generate

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"atelierd/internal/order"
)

// Breaker pauses a generator that keeps failing for reasons that have nothing to
// do with the orders, and ends the pause once a probe succeeds. It may be used by
// several goroutines.
type Breaker struct {
	// Name is what is paused, in words. "" means "the generator".
	Name string
	// Threshold is how many failures in a row pause the generator. 0 means 5. A
	// failure that only the owner can fix, such as a refused key, pauses it at once.
	Threshold int
	// Pause is the time until the first probe. 0 means 1 minute. It doubles up to
	// 15 minutes while probes fail.
	Pause time.Duration
	// Probe must succeed before the pause ends. It is the generator's Check.
	Probe func(context.Context) error
	// Changed, if not nil, is notified of the reason of a pause, and with "" of
	// its end.
	Changed func(reason string)

	mu       sync.Mutex
	failures int
	reason   string // empty while it works
	until    time.Time
	pause    time.Duration
}

const longestPause = 15 * time.Minute

// Ready returns nil when the generator may be called. Otherwise its error makes the
// work wait. When the pause is over, Ready probes the generator first.
func (b *Breaker) Ready(ctx context.Context) error {
	b.mu.Lock()
	reason, wait := b.reason, time.Until(b.until)
	if reason != "" && wait <= 0 {
		b.until = time.Now().Add(b.pause) // others wait while this caller probes
	}
	b.mu.Unlock()
	if reason == "" {
		return nil
	}
	if wait <= 0 {
		return b.Try(ctx)
	}
	return b.paused(reason, wait)
}

// Try probes the generator now, and begins or ends a pause.
func (b *Breaker) Try(ctx context.Context) error {
	err := b.Probe(ctx)
	if ctx.Err() != nil {
		return Stopped(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.stop(err)
		return b.paused(b.reason, time.Until(b.until))
	}
	if b.reason != "" {
		// A probe may succeed where a call does not, so one more failure begins a
		// longer pause.
		b.failures = b.threshold() - 1
		b.notify("")
	}
	return nil
}

// WaitInstead returns what a failure means for the order that met it. If the next order
// would fail in the same way and only the owner can fix it, the order waits until
// the pause ends.
func (b *Breaker) WaitInstead(f order.Failure) order.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reason == "" || !f.WaitsForGenerator() {
		return f
	}
	wait := b.paused(b.reason, time.Until(b.until))
	wait.Charge, wait.Cost = f.Charge, f.Cost
	return *wait
}

func (b *Breaker) paused(reason string, wait time.Duration) *order.Failure {
	name := cmp.Or(b.Name, "the generator")
	reason = strings.TrimPrefix(reason, name+": ")
	return &order.Failure{
		Class: order.Wait, Code: order.CodePaused, Err: errors.New(name + " is paused: " + reason),
		Hint: "it is probed regularly and resumes by itself", After: wait, Charge: order.ChargeNone,
	}
}

// Paused reports whether the generator is paused.
func (b *Breaker) Paused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason != ""
}

// Resume ends a pause without a probe, and reports whether there was one. Changed is not
// notified.
func (b *Breaker) Resume() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.reason != ""
	b.reason, b.failures, b.pause = "", 0, 0
	return was
}

// Report records how a call went: nil, or its failure.
func (b *Breaker) Report(f *order.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f == nil {
		b.failures, b.pause = 0, 0
		b.notify("")
		return
	}
	switch f.Health() {
	case order.GeneratorFails:
		b.fail(f)
	case order.GeneratorBroken:
		b.stop(f)
	case order.GeneratorAnswers:
		b.failures, b.pause = 0, 0
	case order.GeneratorSilent:
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

// stop pauses the generator, each time for longer until a call succeeds.
func (b *Breaker) stop(err error) {
	f, _ := errors.AsType[*order.Failure](err)
	switch {
	case f != nil && f.Code == order.CodeNoCredit:
		b.pause = max(longestPause, b.firstPause()) // most probes succeed without money too
	case b.pause == 0:
		b.pause = b.firstPause()
	default:
		b.pause = min(2*b.pause, max(longestPause, b.firstPause()))
	}
	b.until = time.Now().Add(b.pause)
	b.notify(err.Error())
}

func (b *Breaker) firstPause() time.Duration {
	if b.Pause > 0 {
		return b.Pause
	}
	return time.Minute
}

// notify sets the reason of the pause, and notifies Changed if it is a new one.
func (b *Breaker) notify(reason string) {
	if was := b.reason; was == reason {
		return
	}
	if b.reason = reason; b.Changed != nil {
		b.Changed(reason)
	}
}
