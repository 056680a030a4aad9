package engine

import (
	"context"
	"sync"
	"time"

	"atelierd/internal/order"
)

// maxSleep bounds the sleep towards a job's time, so that a clock set back or
// forth delays work by no more than this.
const maxSleep = time.Minute

// lane is a group of workers that wait for the same jobs. One signal wakes one
// worker; a worker that found a job passes the signal on.
type lane struct {
	name    order.Lane
	workers int
	wake    chan struct{}

	mu    sync.Mutex
	timer *time.Timer
}

func newLane(name order.Lane, workers int) *lane {
	return &lane{name: name, workers: workers, wake: make(chan struct{}, 1)}
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// signalAt signals the lane once at t. A zero t means that nothing is due.
func (l *lane) signalAt(t time.Time) {
	if t.IsZero() {
		return
	}
	d := min(max(time.Until(t), 0), maxSleep)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.signal)
		return
	}
	l.timer.Reset(d)
}

func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// work is the life of one worker. ctx ends the taking of jobs, work the running.
func (e *Engine) work(ctx, work context.Context, l *lane) {
	defer l.stop()
	var done *order.Done
	for {
		more := ctx.Err() == nil && e.taking()
		if done == nil && !more {
			if ctx.Err() != nil {
				return
			}
			e.wait(ctx, l)
			continue
		}
		turn, err := e.o.Store.Turn(done, l.name, more, e.o.Lease)
		if err != nil {
			if !e.storeFailed(work, err) {
				return
			}
			continue // the result is kept, and offered again
		}
		e.storeLost.Recovered(e.o.Log, "the database takes writes again")
		if done != nil {
			e.keeper.forget(done.Job)
			e.report(done, turn.Lost)
			done = nil
		}
		if turn.Job == nil {
			if more {
				l.signalAt(turn.Next)
				e.wait(ctx, l)
			}
			continue
		}
		l.signal() // there may be more where this came from
		done = e.run(work, *turn.Job)
	}
}

// wait parks a worker until its lane is signalled or ctx ends.
func (e *Engine) wait(ctx context.Context, l *lane) {
	e.park(+1)
	defer e.park(-1)
	select {
	case <-l.wake:
	case <-ctx.Done():
	}
}

// storeFailed waits a little after a failed write. Work is neither taken nor
// lost meanwhile. It gives up, and says false, once running work is cut: the
// next start then finds the lease and does the stage again.
func (e *Engine) storeFailed(work context.Context, err error) bool {
	e.storeLost.Failed(e.o.Log, "the database refuses writes; taking no work until it accepts them", err)
	t := time.NewTimer(storeRetry)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-work.Done():
		return false
	}
}

// storeRetry is how often a refused write is offered again.
const storeRetry = 2 * time.Second
