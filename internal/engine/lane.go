package engine

import (
	"context"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

// maxSleep limits the sleep until the next job is due, so that a change of the
// system clock delays work by at most this long.
const maxSleep = time.Minute

// lane is a group of workers for the same jobs. A signal wakes one worker, and a
// worker that found a job signals again.
type lane struct {
	name order.Lane
	wake chan struct{}

	mu         sync.Mutex
	timer      *time.Timer
	want, have int // workers
}

func newLane(name order.Lane, workers int) *lane {
	return &lane{name: name, want: workers, wake: make(chan struct{}, 1)}
}

// resize sets how many workers the lane has.
func (l *lane) resize(workers int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want = workers
}

// grows reports whether another worker has to start, and counts it.
func (l *lane) grows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.have >= l.want {
		return false
	}
	l.have++
	return true
}

// shrinks reports whether the calling worker has to end, and no longer counts it.
func (l *lane) shrinks() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.have <= l.want {
		return false
	}
	l.have--
	return true
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// signalAt signals the lane once, at t. A zero t means that no job is due.
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

// work is the loop of one worker. After the end of ctx it takes no new jobs; the
// end of the context work cancels the running stage.
func (e *Engine) work(ctx, work context.Context, l *lane) {
	defer func() {
		if ctx.Err() != nil {
			l.stop()
		}
	}()
	worker := beat.Branch(ctx)
	defer worker.End()
	ctx, work = worker.In(ctx), worker.In(work)
	var done *order.Done
	var took time.Duration
	leaves := false
	for {
		beat.Turn(ctx)
		if leaves = leaves || l.shrinks(); leaves && done == nil {
			l.signal() // it may have been this worker's
			return
		}
		more := !leaves && ctx.Err() == nil && e.taking()
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
			continue // done is kept, and committed on the next try
		}
		e.storeLost.Recovered(e.o.Log, "the database accepts writes again")
		if done != nil {
			e.keeper.forget(done.Job)
			e.report(done, turn.Lost)
			e.o.Ended(Ended{Job: done.Job, Took: took, Failure: done.Failure})
			done = nil
		}
		if turn.Job == nil {
			if more {
				l.signalAt(turn.Next)
				e.wait(ctx, l)
			}
			continue
		}
		l.signal() // another job may be ready
		began := time.Now()
		done = e.run(work, *turn.Job)
		took = time.Since(began)
	}
}

// wait parks the worker until its lane is signalled or ctx ends.
func (e *Engine) wait(ctx context.Context, l *lane) {
	e.park(+1)
	defer e.park(-1)
	beat.Idle(ctx)
	defer beat.Turn(ctx)
	select {
	case <-l.wake:
	case <-ctx.Done():
	}
}

// storeFailed waits after a failed write and reports whether to try again. It
// returns false once running work is cut. The next start then finds the lease and
// runs the stage again, so nothing is lost.
func (e *Engine) storeFailed(work context.Context, err error) bool {
	e.storeLost.Failed(e.o.Log, "the database refuses writes; no new work is taken", err)
	beat.Sleep(work, storeRetry, nil)
	return work.Err() == nil
}

// storeRetry is the time between two tries of a refused write.
const storeRetry = 2 * time.Second
