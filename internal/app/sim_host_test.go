package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file is what the machine of the simulated week does to the daemon: its disk
// fills, and another program locks the database so that no lease is renewed, both for
// longer than a lease. What the machine lacks uses no attempt and ends no run.

// hostile fills the disk and locks the database now and then, until ctx ends.
func (w *world) hostile(ctx context.Context, f *fate) {
	seed := uint64(f.left.Load())
	var both sync.WaitGroup
	both.Go(func() {
		alternate(ctx, rand.New(rand.NewPCG(seed, 21)), func(full bool) { f.full.Store(full) })
	})
	both.Go(func() {
		alternate(ctx, rand.New(rand.NewPCG(seed, 22)), func(locked bool) { f.locked.Store(locked) })
	})
	both.Wait()
}

// alternate sets a state for up to three minutes and ends it for up to two days, in
// turn until ctx ends.
func alternate(ctx context.Context, rng *rand.Rand, set func(bool)) {
	defer set(false)
	for {
		for _, on := range []bool{false, true} {
			set(on)
			wait := time.Duration(1+rng.IntN(48)) * time.Hour
			if on {
				wait = time.Duration(10+rng.IntN(180)) * time.Second
			}
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
		}
	}
}

// hand is the painter as one life of the daemon uses it.
type hand struct {
	*painter
	w    *world
	fate *fate
}

func (h hand) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	if h.fate.full.Load() || h.unlucky() {
		return generate.Result{}, order.Failf(order.Retry, order.CodeOutputDir, "not started: %w", errFull).Nothing()
	}
	h.w.paying(r.OrderID, r.Round, r.Piece)
	begun, what := time.Now(), fmt.Sprintf("%s %d %d", r.OrderID, r.Round, r.Piece)
	h.attempt(what, r.Attempt)
	made, err := h.painter.Generate(ctx, r)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch f, failed := errors.AsType[*order.Failure](err); {
	case err == nil:
		h.w.looks.charge(begun, providerPrice)
	case failed && f.Class != order.Stopped:
		h.failures[what]++
	case errors.Is(context.Cause(ctx), order.ErrLeaseLost):
		h.cut = append(h.cut, cut{r.OrderID, time.Now()})
	}
	return made, err
}

// unlucky reports whether the machine refuses this start, as it does one in ten times.
func (h hand) unlucky() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.fate.calm && h.starts.IntN(10) == 0
}

// attempt notes an attempt beyond those that failures have used.
func (p *painter) attempt(what string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > 1+p.failures[what] {
		p.used = append(p.used, fmt.Sprintf("%s attempt %d after %d failures", what, n, p.failures[what]))
	}
}

// cut is a run whose lease was lost.
type cut struct {
	id string
	at time.Time
}

// checkHost holds that no lack of the machine has used an attempt or ended a run.
func (w *world) checkHost() {
	for _, u := range w.painter.used {
		w.t.Errorf("order %s", u)
	}
	for _, c := range w.painter.cut {
		if !w.mayCut(c) {
			w.t.Errorf("a run for order %s was cut at %s, and nobody else had its lease", c.id, c.at)
		}
	}
}

// mayCut reports whether the owner, the client or a restore has ended the work.
func (w *world) mayCut(c cut) bool {
	if at, ok := w.looks.ended[c.id]; w.touched[c.id] || w.odd.cancelled[c.id] || ok && !at.After(c.at) || len(w.restores.known) > 0 {
		return true
	}
	o, _ := w.market.Order(c.id)
	if !o.WindowEnds.IsZero() && !o.WindowEnds.After(c.at) {
		return true
	}
	for _, d := range o.Deliveries {
		if !d.At.After(c.at) {
			return true
		}
	}
	return false
}
