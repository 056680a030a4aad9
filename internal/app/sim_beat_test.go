package app

import (
	"context"
	"time"
)

// watchLoops fails the week if a loop of a life is called stuck. Whatever the marketplace
// and the providers do, each loop ends its calls and waits within their limits.
func (w *world) watchLoops(ctx context.Context, a *App, f *fate) {
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, l := range a.activity.loops.All() {
			if l.Stuck > 0 && !f.dead.Load() {
				w.t.Errorf("the loop %s is called stuck, for %s", l.Name, l.Stuck)
			}
		}
	}
}
