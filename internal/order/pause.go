package order

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pause is the owner's decision that no work begins for a service, or for any. What is
// made already, or paid for, is fetched, uploaded and delivered all the same.
type Pause struct {
	Service string // its title; empty for every service
	Since   time.Time
	Until   time.Time // zero until the owner resumes
	By      Actor
	Reason  string
	// Delisted: the service was taken off the marketplace, and is listed again at the end.
	Delisted bool
}

// Covers reports whether the pause is for the service.
func (p Pause) Covers(service string) bool { return p.Service == "" || SameTitle(p.Service, service) }

// Over reports whether the pause has ended by itself.
func (p Pause) Over(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// PauseOf returns the pause that covers a service: the one that lasts longest.
func PauseOf(list []Pause, service string, now time.Time) (longest Pause, paused bool) {
	for _, p := range list {
		if !p.Covers(service) || p.Over(now) {
			continue
		}
		if !paused || p.Until.IsZero() || !longest.Until.IsZero() && p.Until.After(longest.Until) {
			longest, paused = p, true
		}
	}
	return longest, paused
}

// OffMarket reports whether a pause keeps a service off the marketplace.
func OffMarket(list []Pause, service string, now time.Time) bool {
	return slices.ContainsFunc(list, func(p Pause) bool { return p.Delisted && p.Covers(service) && !p.Over(now) })
}

// pausedRetry is the longest time until work that a pause keeps waiting looks again. The
// end of the pause makes it due at once.
const pausedRetry = time.Hour

// Failure is what work ends with that may not begin.
func (p Pause) Failure(now time.Time) *Failure {
	f := &Failure{Class: Wait, Code: CodePausedByOwner, Charge: ChargeNone, After: pausedRetry, Err: errors.New("everything is paused by you")}
	if p.Service != "" {
		f.Err = fmt.Errorf("the service %s is paused by you", p.Service)
	}
	if !p.Until.IsZero() {
		f.After = min(f.After, max(p.Until.Sub(now), time.Second))
	}
	return f.WithHint("%s continues", p.Resume())
}

// Resume is the command that ends the pause.
func (p Pause) Resume() string { return CommandFor("resume", p.Service) }
