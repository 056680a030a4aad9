package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"atelierd/internal/order"
)

// run runs the job's stage under its lease and returns the outcome to commit.
func (e *Engine) run(work context.Context, job order.Job) *order.Done {
	ctx, cancel := context.WithCancelCause(work)
	defer cancel(nil)
	e.keeper.hold(job, cancel)
	log := e.o.Log.With("order", job.OrderID, "job", job.ID, "stage", job.Stage, "attempt", job.Attempt)
	log.Debug("stage started")
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
	if failure.Class == order.Retry && !failure.Outage && job.Attempt >= e.set.Load().MaxAttempts {
		last := *failure
		last.Class = order.Fail
		last.Err = fmt.Errorf("failed %d times: %w", job.Attempt, failure)
		if last.Hint == "" {
			last.Hint = "fix the cause, then run " + order.Command("orders retry", job.OrderID)
		}
		done.Failure = &last
		return done
	}
	switch failure.Class {
	case order.Retry:
		done.RunAt = time.Now().Add(max(failure.After, e.set.Load().Backoff.Delay(job.Attempt+outages)))
	case order.Wait:
		// At least a second: a wait of zero would make the engine spin.
		done.RunAt = time.Now().Add(max(failure.After, time.Second))
	}
	return done
}

// countOutage returns how many outages in a row the job met before this one. The
// first outage is thus delayed like any first failure.
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
			e.o.Log.Error("stage panicked", "order", job.OrderID, "job", job.ID, "stage", job.Stage,
				"attempt", job.Attempt, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = order.Failf(order.Hold, order.CodePanic, "the %s stage panicked: %v", job.Stage, p).
				WithHint("this is a bug in atelierd; report it with the stack trace in the log")
		}
	}()
	return e.o.Runner.Run(ctx, job)
}

// report logs the end of an attempt in one line.
func (e *Engine) report(d *order.Done, lost bool) {
	log := e.o.Log.With("order", d.Job.OrderID, "job", d.Job.ID, "stage", d.Job.Stage, "attempt", d.Job.Attempt)
	f := d.Failure
	switch {
	case lost:
		log.Warn("lease lost; the result is discarded")
	case f == nil && d.Result.Next != "":
		log.Debug("stage done", "next", d.Result.Next)
	case f == nil && d.Result.Delivery != "":
		log.Debug("job done", "result", d.Result.Delivery)
	case f == nil:
		log.Debug("job done")
	case f.Class == order.Retry:
		log.Warn("attempt failed; retry scheduled", "error", f.Error(), "code", f.Code, "at", d.RunAt.UTC().Format(time.RFC3339))
	case f.Class == order.Wait:
		level := slog.LevelInfo
		if e.waitsAgain(d.Job, f) {
			level = slog.LevelDebug
		}
		log.Log(context.Background(), level, "job waits", "reason", f.Error(), "code", f.Code, "until", d.RunAt.UTC().Format(time.RFC3339))
	case f.Class == order.Stopped, f.Class == order.Lost:
		log.Debug("job put back; the attempt does not count")
	case f.Class == order.Hold:
		log.Error("job held for the owner", failureArgs(f)...)
	default:
		log.Error("job failed", failureArgs(f)...)
	}
}

func failureArgs(f *order.Failure) []any {
	args := []any{"error", f.Error(), "code", f.Code}
	if f.Hint != "" {
		args = append(args, "hint", f.Hint)
	}
	return args
}

// waitsNoMore forgets the reason for which the job waited.
func (e *Engine) waitsNoMore(j order.Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waits, j.ID)
}

// waitsAgain reports whether the job waits for the same reason as at its last
// attempt, which has been logged.
func (e *Engine) waitsAgain(j order.Job, f *order.Failure) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	again := e.waits[j.ID] == f.Code
	e.waits[j.ID] = f.Code
	return again
}
