package cli

import (
	"context"
	"sync"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// barInterval is the time between two drawings of the bar.
const barInterval = 500 * time.Millisecond

// sampleBar shows on the terminal how far a sample is.
type sampleBar struct {
	*term.Bar

	mu       sync.Mutex
	progress order.Progress
}

// withBar shows a bar below the log of the program while something takes long.
func (p *Program) withBar() {
	p.bar = term.NewBar(p.Stderr, p.Getenv)
	p.logger = p.bar.Log(p.logOptions())
}

// report takes what the generator says.
func (b *sampleBar) report(p order.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress = p.After(b.progress)
}

// show draws the bar until stop is called. usual is how long a sample usually takes, 0 if
// that is not known.
func (b *sampleBar) show(usual time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	began := time.Now()
	var drawing sync.WaitGroup
	drawing.Go(func() {
		tick := time.NewTicker(barInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			b.mu.Lock()
			p := b.progress
			b.mu.Unlock()
			v := view.Work{Stage: "making a sample", Since: began, Progress: p, UsualSeconds: usual.Seconds()}
			b.Set(p.Fraction, v.Text(time.Now()))
		}
	})
	return func() {
		cancel()
		drawing.Wait()
		b.Clear()
	}
}
