package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"atelierd/internal/order"
)

// run runs the job's stage under its lease and says what came of it.
func (e *Engine) run(work context.Context, job order.Job) *order.Done {
	ctx, cancel := context.WithCancelCause(work)
	defer cancel(nil)
	e.keeper.hold(job, cancel)
	log := e.o.Log.With("order", job.OrderID, "job", job.ID, "stage", job.Stage, "attempt", job.Attempt)
	log.Debug("started")
	result, err := e.runSafely(ctx, job)
	failure := order.Classify(ctx, err)
	done := &order.Done{Job: job, Result: result, Failure: failure}
	outages := e.countOutage(job, failure)
	if failure == nil || failure.Class != order.Wait {
		e.waitsNoMore(job)
	}
	if failure == nil {
		return done
	}
	if failure.Class == order.Retry && !failure.Outage && job.Attempt >= e.o.MaxAttempts {
		last := *failure
		last.Class = order.Fail
		last.Err = fmt.Errorf("given up after %d attempts: %w", job.Attempt, failure)
		if last.Hint == "" {
			last.Hint = "mend the cause, then `atelierd orders retry " + job.OrderID + "`"
		}
		done.Failure = &last
		return done
	}
	switch failure.Class {
	case order.Retry:
		done.RunAt = time.Now().Add(max(failure.After, e.o.Backoff.Delay(job.Attempt+outages)))
	case order.Wait:
		// Never sooner than a second, or a wait of nothing would spin.
		done.RunAt = time.Now().Add(max(failure.After, time.Second))
	}
	return done
}

// countOutage gives the number of outages in a row that the job has met; the
// first is 0, so that it is spaced like any first failure.
func (e *Engine) countOutage(job order.Job, f *order.Failure) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f == nil || !f.Outage {
		delete(e.outages, job.ID)
		return 0
	}
	e.outages[job.ID]++
	return e.outages[job.ID] - 1
}

// runSafely turns a panic of a stage into a failure of that job alone.
func (e *Engine) runSafely(ctx context.Context, job order.Job) (r order.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.o.Log.Error("a stage panicked", "order", job.OrderID, "job", job.ID, "stage", job.Stage,
				"attempt", job.Attempt, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = order.Failf(order.Hold, order.CodePanic, "the %s stage panicked: %v", job.Stage, p).
				WithHint("this is a fault of atelierd; the log has the details")
		}
	}()
	return e.o.Runner.Run(ctx, job)
}

// report logs the end of an attempt: one line.
func (e *Engine) report(d *order.Done, lost bool) {
	log := e.o.Log.With("order", d.Job.OrderID, "job", d.Job.ID, "stage", d.Job.Stage, "attempt", d.Job.Attempt)
	f := d.Failure
	switch {
	case lost:
		log.Warn("the work was taken away; nothing of it is used")
	case f == nil && d.Result.Next != "":
		log.Info("stage done", "next", d.Result.Next)
	case f == nil && d.Result.Delivery != "":
		log.Info("done", "result", d.Result.Delivery)
	case f == nil:
		log.Info("done")
	case f.Class == order.Retry:
		log.Warn("failed; will try again", "error", f.Error(), "code", f.Code, "at", d.RunAt.UTC().Format(time.RFC3339))
	case f.Class == order.Wait:
		level := slog.LevelInfo
		if e.waitsAgain(d.Job, f) {
			level = slog.LevelDebug
		}
		log.Log(context.Background(), level, "waits", "for", f.Error(), "code", f.Code, "until", d.RunAt.UTC().Format(time.RFC3339))
	case f.Class == order.Stopped, f.Class == order.Lost:
		log.Info("sent back; the attempt does not count")
	case f.Class == order.Hold:
		log.Error("held for the owner", told(f)...)
	default:
		log.Error("failed for good", told(f)...)
	}
}

func told(f *order.Failure) []any {
	args := []any{"error", f.Error(), "code", f.Code}
	if f.Hint != "" {
		args = append(args, "hint", f.Hint)
	}
	return args
}

// waitsNoMore forgets what the job has waited for.
func (e *Engine) waitsNoMore(j order.Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waits, j.ID)
}

// waitsAgain says whether the job waits for what it has waited for before, which
// was told then.
func (e *Engine) waitsAgain(j order.Job, f *order.Failure) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	again := e.waits[j.ID] == f.Code
	e.waits[j.ID] = f.Code
	return again
}
