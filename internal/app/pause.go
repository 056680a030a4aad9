package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"atelierd/internal/enroll"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// pauses ends what the owner has paused when its time is over, and logs what changes.
// The stages of fulfill ask the database themselves.
type pauses struct {
	store *store.Store
	setup *enroll.Setup
	log   *slog.Logger

	mu       sync.Mutex
	known    []order.Pause
	changed  bool // since the last look
	failures logonce.Logger
}

func newPauses(b base, s *enroll.Setup) *pauses {
	return &pauses{store: b.Store, setup: s, log: b.Log}
}

// look ends the pauses that are over. It returns how long until the next one is over, at
// most a minute.
func (p *pauses) look(ctx context.Context) (next time.Duration) {
	list, _, err := p.store.EndPauses(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	next = time.Minute
	if err != nil {
		if ctx.Err() == nil {
			p.failures.Failed(p.log, "it could not be read what is paused", err)
		}
		return next
	}
	p.failures.Recovered(p.log, "it can be read again what is paused")
	if p.changed {
		// An attempt that ended while the pause did may wait for it all the same.
		p.changed = p.store.RunNow(order.CodePausedByOwner) != nil
	}
	for _, now := range list {
		if !slices.Contains(p.known, now) {
			p.log.Warn("no work begins for what is paused", "service", p.what(now), "until", until(now),
				"reason", now.Reason, "by", now.By, "hint", now.Resume()+" continues")
		}
		if !now.Until.IsZero() {
			next = min(next, max(time.Until(now.Until), time.Millisecond))
		}
	}
	for _, before := range p.known {
		if slices.ContainsFunc(list, func(now order.Pause) bool { return now.Service == before.Service }) {
			continue
		}
		p.log.Info("resumed", "service", p.what(before))
		p.changed = true
		if before.Delisted {
			p.setup.Relist()
		}
	}
	p.known = list
	return next
}

func (p *pauses) what(q order.Pause) string {
	if q.Service == "" {
		return "all"
	}
	return term.Line(q.Service, 100)
}

func until(p order.Pause) string {
	if p.Until.IsZero() {
		return "resumed"
	}
	return p.Until.UTC().Format(time.RFC3339)
}
