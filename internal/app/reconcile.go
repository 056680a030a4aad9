package app

import (
	"context"
	"log/slog"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/budget"
	"atelierd/internal/engine"
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

func (s shown) ShowThread(ctx context.Context, id string, thread []order.Message, asked time.Time) error {
	return s.threads.Show(ctx, id, thread, asked)
}

// checkedClient is the client of what reads orders and threads for other reasons. What they
// show is compared with the ledger.
type checkedClient struct {
	*atelier.Client
	detector *reconcile.Detector
}

// newGate returns a gate that is shut. A process that loses its lease begins nothing.
func newGate(b base) *reconcile.Gate { return reconcile.NewGate(b.held) }

// held is nil while this process may pay and send.
func (b base) held() error {
	if b.App == nil {
		return nil // a command of the owner's
	}
	return b.App.held()
}

func newDetector(b base, g *reconcile.Gate) *reconcile.Detector {
	return reconcile.NewDetector(g, b.Store, b.Log)
}

func newCheckedClient(c *atelier.Client, d *reconcile.Detector) checkedClient {
	return checkedClient{c, d}
}

// Order reads an order.
func (w checkedClient) Order(ctx context.Context, id string) (order.Facts, error) {
	f, err := w.Client.Order(ctx, id)
	if err == nil {
		w.detector.Order(ctx, f)
	}
	return f, err
}

// Messages reads a thread.
func (w checkedClient) Messages(ctx context.Context, id string) ([]order.Message, error) {
	thread, err := w.Client.Messages(ctx, id)
	if err == nil {
		w.detector.Thread(ctx, id, thread)
	}
	return thread, err
}

// seeing is the client of the comparison. What it reads is seen: a client may cancel an order
// between the first poll and the comparison.
type seeing struct {
	*atelier.Client
	seen *intake.Sightings
}

// Order reads an order.
func (s seeing) Order(ctx context.Context, id string) (order.Facts, error) {
	at := time.Now()
	f, err := s.Client.Order(ctx, id)
	if err == nil {
		s.seen.Read(f, at)
	}
	return f, err
}

// compared are the parts that a Checker works with.
type compared struct {
	fx.In
	Client  *atelier.Client
	Budget  *budget.Budget
	Engine  *engine.Engine
	Runner  *runner
	Poller  *intake.Poller
	Threads *intake.Threads
	Gate    *reconcile.Gate
	Seen    *intake.Sightings
}

func newChecker(b base, c compared) (*reconcile.Checker, error) {
	return reconcile.New(context.Background(), reconcile.Options{
		Store: b.Store, Market: seeing{c.Client, c.Seen}, Intake: shown{c.Poller, c.Threads}, Gate: c.Gate,
		UseUp: c.Budget.UseUp, PieceText: c.Runner.pieceText,
		Pause:  func() { c.Engine.Pause(pausedForReconcile) },
		Resume: func() { c.Engine.Resume(pausedForReconcile) },
		Log:    b.Log,
	})
}
