package app

import (
	"context"
	"log/slog"

	"atelierd/internal/atelier"
	"atelierd/internal/budget"
	"atelierd/internal/engine"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/reconcile"

	"go.uber.org/fx"
)

// acceptance is what follows when the marketplace has accepted the credentials and
// answered a poll.
type acceptance struct {
	bind func() error
	gate *reconcile.Gate
	log  *slog.Logger
	done bool
}

func newAcceptance(a *App, b base, g *reconcile.Gate) *acceptance {
	return &acceptance{bind: a.bind, gate: g, log: b.Log}
}

// polled is called with one listing at a time.
func (a *acceptance) polled(l order.Listing, complete bool) {
	if !a.done {
		if err := a.bind(); err != nil {
			a.log.Warn("it could not be recorded whose data folder this is", "error", err)
		} else {
			a.done = true
		}
	}
	a.gate.Polled(l, complete)
}

// shown brings what a reconcile has read into the ledger.
type shown struct {
	*intake.Poller
	threads *intake.Threads
}

func (s shown) ShowThread(ctx context.Context, id string, thread []order.Message) error {
	return s.threads.Show(ctx, id, thread)
}

// compared are the parts that a Checker works with.
type compared struct {
	fx.In
	Client    *atelier.Client
	Budget    *budget.Budget
	Engine    *engine.Engine
	Fulfiller *fulfill.Fulfiller
	Poller    *intake.Poller
	Threads   *intake.Threads
	Gate      *reconcile.Gate
}

func newChecker(b base, c compared) (*reconcile.Checker, error) {
	return reconcile.New(context.Background(), reconcile.Options{
		Store: b.Store, Market: c.Client, Intake: shown{c.Poller, c.Threads}, Gate: c.Gate,
		UseUp: c.Budget.UseUp, PieceText: c.Fulfiller.PieceText,
		Pause:  func() { c.Engine.Pause(pausedForReconcile) },
		Resume: func() { c.Engine.Resume(pausedForReconcile) },
		Log:    b.Log,
	})
}
