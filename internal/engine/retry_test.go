package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

func TestAJobRunsThroughItsStagesWithoutAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{}, func(_ context.Context, j order.Job) (order.Result, error) {
			next := map[order.Stage]order.Stage{order.StageGenerate: order.StageUpload, order.StageUpload: order.StageDeliver}
			return order.Result{Next: next[j.Stage]}, nil
		})
		begin := time.Now()
		w.place("o1")
		synctest.Wait()
		if want := []string{"o1 generate 1", "o1 upload 1", "o1 deliver 1"}; !slices.Equal(run.log(), want) {
			t.Errorf("ran %v, want %v", run.log(), want)
		}
		w.wantJob("o1", order.JobDone)
		if d := time.Since(begin); d != 0 {
			t.Errorf("it took %v of waiting", d)
		}
	})
}

func TestAFailureIsRetriedWithBackoffUpToTheMaximum(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{MaxAttempts: 4, Backoff: order.Backoff{Base: 10 * time.Second, Max: 15 * time.Second}},
			result(order.Result{}, errors.New("it broke")))
		w.place("o1")
		time.Sleep(time.Hour)
		synctest.Wait()
		at := run.times()
		if len(at) != 4 {
			t.Fatalf("%d tries, want 4", len(at))
		}
		for i, ceiling := range []time.Duration{10 * time.Second, 15 * time.Second, 15 * time.Second} {
			// Times are kept to the millisecond.
			if gap := at[i+1].Sub(at[i]) + time.Millisecond; gap < ceiling/10 || gap > ceiling+time.Second {
				t.Errorf("after try %d it waited %v, want between a tenth of %v and all of it", i+1, gap, ceiling)
			}
		}
		l := w.line("o1")
		if l.Job != order.JobFailed || l.State != order.StateFailed ||
			!strings.Contains(l.Reason, "failed 4 times: it broke") || !strings.Contains(l.Hint, "orders retry o1") {
			t.Errorf("job %s, order %s: %q, %q", l.Job, l.State, l.Reason, l.Hint)
		}
		w.wantAttempts("o1", "1 retry", "2 retry", "3 retry", "4 fail")
	})
}

func TestARetryWaitsAtLeastForTheTimeOfItsFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{}, func(_ context.Context, j order.Job) (order.Result, error) {
			if j.Attempt == 1 {
				return order.Result{}, &order.Failure{Class: order.Retry, Code: "x", After: 3 * time.Hour}
			}
			return order.Result{}, nil
		})
		w.place("o1")
		time.Sleep(3*time.Hour - time.Second)
		synctest.Wait()
		if at := run.times(); len(at) != 1 {
			t.Fatalf("tried again after %v", at[1].Sub(at[0]))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
	})
}

func TestAnOutageNeverUsesUpTheAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		w, run := start(t, store.Options{}, engine.Options{MaxAttempts: 3}, func(context.Context, order.Job) (order.Result, error) {
			if time.Since(begin) < 6*time.Hour {
				return order.Result{}, &order.Failure{Class: order.Retry, Code: order.CodeOutage, Outage: true, Err: errors.New("503")}
			}
			return order.Result{}, nil
		})
		w.place("o1")
		time.Sleep(6*time.Hour + 11*time.Minute)
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		if n := len(run.log()); n < 10 || n > 500 {
			t.Errorf("%d tries in six hours", n)
		}
		if last := run.log()[len(run.log())-1]; last != "o1 generate 1" {
			t.Errorf("after an outage it ran as %q: the tries counted", last)
		}
	})
}

func TestAnOutageAtTheLastAttemptIsNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{MaxAttempts: 3}, func(_ context.Context, j order.Job) (order.Result, error) {
			if j.Attempt < 3 {
				return order.Result{}, errors.New("it broke")
			}
			return order.Result{}, &order.Failure{Class: order.Retry, Code: order.CodeOutage, Outage: true, Err: errors.New("503")}
		})
		w.place("o1")
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		w.wantJob("o1", order.JobReady)
		if last := run.log()[len(run.log())-1]; last != "o1 generate 3" || len(run.log()) < 10 {
			t.Errorf("ran %v, want the third attempt again and again", run.log())
		}
	})
}

func TestAWaitCostsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{MaxAttempts: 2}, result(order.Result{}, order.Failf(order.Wait, order.CodeBudget, "none left")))
		w.place("o1")
		time.Sleep(10*time.Second - time.Millisecond)
		synctest.Wait()
		// A wait of nothing is a second, or it would spin.
		if want := slices.Repeat([]string{"o1 generate 1"}, 10); !slices.Equal(run.log(), want) {
			t.Errorf("ran %v, want ten times attempt 1", run.log())
		}
		w.wantJob("o1", order.JobReady)
	})
}

func TestHoldAndFailAreNotRetried(t *testing.T) {
	t.Parallel()
	for class, want := range map[order.Class]order.JobState{order.Hold: order.JobHeld, order.Fail: order.JobFailed} {
		synctest.Test(t, func(t *testing.T) {
			w, run := start(t, store.Options{}, engine.Options{}, result(order.Result{}, order.Failf(class, "x", "no")))
			w.place("o1")
			time.Sleep(day)
			synctest.Wait()
			if len(run.log()) != 1 {
				t.Errorf("%s: ran %v", class, run.log())
			}
			w.wantJob("o1", want)
		})
	}
}

func TestAPanicHoldsOnlyItsJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{Generators: 1}, func(_ context.Context, j order.Job) (order.Result, error) {
			if j.OrderID == "bad" {
				panic("no such\x1b[31m luck")
			}
			return order.Result{}, nil
		})
		w.place("bad", "good1", "good2")
		synctest.Wait()
		w.wantJob("bad", order.JobHeld)
		w.wantJob("good1", order.JobDone)
		w.wantJob("good2", order.JobDone)
		if l := w.line("bad"); l.Code != order.CodePanic || !strings.Contains(l.Reason, "no such") {
			t.Errorf("held for %q: %q", l.Code, l.Reason)
		}
	})
}

func TestOneSlowLaneDoesNotBlockTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{Generators: 2, Network: 1}, func(ctx context.Context, j order.Job) (order.Result, error) {
			switch {
			case j.OrderID == "quick" && j.Stage == order.StageGenerate:
				return order.Result{Next: order.StageUpload}, nil
			case j.Stage == order.StageGenerate:
				time.Sleep(time.Hour)
			}
			return order.Result{}, nil
		})
		w.place("quick", "slow1", "slow2")
		synctest.Wait()
		w.wantJob("quick", order.JobDone)
		w.wantJob("slow1", order.JobLeased)
		w.wantJob("slow2", order.JobLeased)
	})
}

func TestALaneRunsAtMostAsManyStagesAsItHasWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{Generators: 3}, func(context.Context, order.Job) (order.Result, error) {
			time.Sleep(time.Minute)
			return order.Result{}, nil
		})
		ids := []string{"a", "b", "c", "d", "e", "f", "g"}
		w.place(ids...)
		synctest.Wait()
		if n := len(run.log()); n != 3 {
			t.Errorf("%d run at once, want 3", n)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if n := len(run.log()); n != 6 {
			t.Errorf("%d have started after a minute, want 6", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, id := range ids {
			w.wantJob(id, order.JobDone)
		}
	})
}

const day = 24 * time.Hour

// lines counts the info lines with a message.
type lines struct {
	slog.Handler
	what string
	n    *atomic.Int64
}

func (l lines) Handle(_ context.Context, r slog.Record) error {
	if r.Message == l.what && r.Level == slog.LevelInfo {
		l.n.Add(1)
	}
	return nil
}
func (l lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithAttrs([]slog.Attr) slog.Handler       { return l }

func TestTheReasonOfAWaitIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		codes := []order.Code{order.CodePaused, order.CodePaused, order.CodePaused, order.CodeBudget, order.CodeBudget, order.CodeBudget, order.CodePaused, order.CodePaused}
		w, run := start(t, store.Options{}, engine.Options{Generators: 1, Log: slog.New(lines{slog.DiscardHandler, "job waits", &n})},
			func(context.Context, order.Job) (order.Result, error) {
				if len(codes) == 0 {
					return order.Result{}, order.Failf(order.Hold, "enough", "enough")
				}
				code := codes[0]
				codes = codes[1:]
				return order.Result{}, order.Failf(order.Wait, code, "not now")
			})
		w.place("o1")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(run.log()) != 9 || n.Load() != 3 {
			t.Errorf("logged %d times in %d runs, want once for each new reason", n.Load(), len(run.log()))
		}
	})
}
