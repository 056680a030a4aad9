package app

import (
	"context"
	"log/slog"
	"sync"

	"atelierd/internal/engine"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// pausedByOwner is why the engine takes no work while the owner has paused it.
const pausedByOwner = "the owner has paused it"

// pause keeps the engine from taking work while the owner has paused the daemon.
type pause struct {
	store  *store.Store
	engine *engine.Engine
	log    *slog.Logger

	mu       sync.Mutex
	paused   bool
	failures logonce.Logger
}

func newPause(b base, e *engine.Engine) *pause {
	return &pause{store: b.Store, engine: e, log: b.Log}
}

// look reads whether the owner has paused the daemon, and returns it. While that cannot be
// read, it stays as it was.
func (p *pause) look(ctx context.Context) bool {
	text, err := p.store.Paused(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			p.failures.Failed(p.log, "it could not be read whether the daemon is paused", err)
		}
		return p.paused
	}
	p.failures.Recovered(p.log, "it can be read again whether the daemon is paused")
	switch before := p.paused; {
	case text != "" && !before:
		p.engine.Pause(pausedByOwner)
		p.log.Warn("no work is begun", "reason", text, "hint", order.Command("resume")+" continues")
	case text == "" && before:
		p.engine.Resume(pausedByOwner)
		p.log.Info("resumed by the owner")
	}
	p.paused = text != ""
	return p.paused
}
