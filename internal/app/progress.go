package app

import (
	"context"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// progress is how far the running attempts are, by the tokens of their leases. It is kept
// in memory only: a new attempt asks its generator again.
type progress struct {
	mu sync.Mutex
	by map[string]order.Progress
}

// report takes what is known of a job's attempt now.
func (p *progress) report(j order.Job, next order.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]order.Progress{}
	}
	p.by[j.Token] = next.After(p.by[j.Token])
}

// of returns how far the attempt is.
func (p *progress) of(j order.Job) order.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.by[j.Token]
}

// keep forgets all attempts but those that run.
func (p *progress) keep(running []engine.Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := map[string]order.Progress{}
	for _, a := range running {
		if known, ok := p.by[a.Job.Token]; ok {
			kept[a.Job.Token] = known
		}
	}
	p.by = kept
}

// progressInterval is the time between two lines of the log about an attempt.
const progressInterval = time.Minute

// logProgress logs each minute how far the attempts are that take long.
func (a *App) logProgress(ctx context.Context, e *engine.Engine, st *store.Store) error {
	for {
		beat.Sleep(ctx, progressInterval, nil)
		if ctx.Err() != nil {
			return nil
		}
		running := e.Running()
		a.progress.keep(running)
		for _, r := range running {
			if took := time.Since(r.Since); took >= progressInterval {
				a.logWorking(ctx, st, r, took)
			}
		}
	}
}

// runUntilIdle runs what is due, and logs how far it is.
func (a *App) runUntilIdle(ctx context.Context, e *engine.Engine) error {
	logged, stop := context.WithCancel(ctx)
	var logging sync.WaitGroup
	logging.Go(func() { _ = a.logProgress(logged, e, a.store) }) // it only ends when it is stopped
	err := e.RunUntilIdle(ctx)
	stop()
	logging.Wait()
	return err
}

func (a *App) logWorking(ctx context.Context, st *store.Store, r engine.Attempt, took time.Duration) {
	fields := []any{"order", r.Job.OrderID, "job", r.Job.ID, "stage", r.Job.Stage, "attempt", r.Job.Attempt, "for", words.Span(took)}
	p := a.progress.of(r.Job)
	if text := p.String(); text != "" {
		fields = append(fields, "progress", text)
	}
	if p.Text != "" {
		fields = append(fields, "text", p.Text)
	}
	usual, err := st.Usual(ctx)
	if known := usual.Of(r.Job.Stage, p.Generator); err == nil && known > 0 {
		fields = append(fields, "usual", words.Span(known))
	}
	a.o.Log.Info("still working", fields...)
}
