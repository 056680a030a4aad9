package intake

import (
	"cmp"
	"context"
	"time"
)

// Pace is the time between polls; see the Options of the same names.
type Pace struct{ Interval, SafetyInterval, Trust, Debounce time.Duration }

func (p Pace) withDefaults() *Pace {
	p.SafetyInterval = cmp.Or(p.SafetyInterval, 15*time.Minute)
	p.Trust = cmp.Or(p.Trust, time.Hour)
	p.Debounce = cmp.Or(p.Debounce, 5*time.Second)
	return &p
}

// Change replaces the pace. It does not block.
func (p *Poller) Change(to Pace) {
	p.pace.Store(to.withDefaults())
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// after returns when a poll may be sent an interval after the last one.
func (p *Poller) after(ctx context.Context, interval time.Duration) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polledAt.Add(p.o.Pacer.PollDelay(ctx, interval))
}

// sooner moves the next poll to at if that is earlier, and returns when it is due.
func (p *Poller) sooner(due, at time.Time, t *time.Timer) time.Time {
	if !at.Before(due) {
		return due
	}
	p.dueAt(at)
	t.Reset(time.Until(at))
	return at
}
