package app

import (
	"context"
	"sync/atomic"

	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// live is the configuration in use, with what was made from it. It never changes: a reload
// puts another in its place.
type live struct {
	cfg      *config.Config
	services *Services
}

// config returns the configuration as it is now.
func (a *App) config() *config.Config {
	if l := a.live.Load(); l != nil {
		return l.cfg
	}
	return a.o.Config
}

// config returns the configuration as it is now.
func (b base) config() *config.Config {
	if b.App == nil {
		return b.Config // of a command
	}
	return b.App.config()
}

// service returns a service as it is configured now.
func (a *App) service(title string) (fulfill.Service, bool) {
	s, ok := a.live.Load().services.byTitle[title]
	return s, ok
}

// runner runs each attempt with the configuration that is in use when the attempt begins.
type runner struct {
	current atomic.Pointer[fulfill.Fulfiller]
}

// Run implements engine.Runner.
func (r *runner) Run(ctx context.Context, j order.Job) (order.Result, error) {
	return r.current.Load().Run(ctx, j)
}

// pieceText returns the message that brings a piece, as it is configured now.
func (r *runner) pieceText(o order.Order, piece int, links []string) string {
	return r.current.Load().PieceText(o, piece, links)
}

// signal wakes one loop.
type signal chan struct{}

// wake does not block.
func (s signal) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// probeGenerators probes each generator once until ctx ends, those of a reload at the reload.
func (a *App) probeGenerators(ctx context.Context) error {
	seen := map[*generate.Breaker]bool{}
	for ctx.Err() == nil {
		a.live.Load().services.probe(ctx, func(b *generate.Breaker) bool {
			known := seen[b]
			seen[b] = true
			return known
		})
		beat.Idle(ctx)
		select {
		case <-ctx.Done():
		case <-a.probes:
			beat.Turn(ctx)
		}
	}
	return nil
}
