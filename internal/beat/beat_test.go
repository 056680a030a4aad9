package beat_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/beat"
)

// stuck returns how long the only loop of l is past its limit.
func stuck(t *testing.T, l *beat.Loops) time.Duration {
	t.Helper()
	all := l.All()
	if len(all) != 1 {
		t.Fatalf("the loops are %v", all)
	}
	return all[0].Stuck
}

// turnsFor fails the test unless the loop of l turns after d, and is stuck after two more
// minutes.
func turnsFor(t *testing.T, l *beat.Loops, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	if late := stuck(t, l); late != 0 {
		t.Errorf("after %s the loop is stuck for %s, want it to turn", d, late)
	}
	time.Sleep(2 * time.Minute)
	if stuck(t, l) == 0 {
		t.Errorf("two minutes past its limit the loop is not stuck")
	}
}

func TestALoopIsStuckOnceItIsPastItsLimit(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(context.Context){
		"a wait":               func(ctx context.Context) { beat.Within(ctx, 3*time.Hour) },
		"a call":               func(ctx context.Context) { beat.Timeout(ctx, 3*time.Hour) },
		"a call within a wait": func(ctx context.Context) { beat.Within(ctx, time.Second); beat.Timeout(ctx, 3*time.Hour) },
		"a call within a call": func(ctx context.Context) { beat.Timeout(ctx, day); beat.Timeout(ctx, 3*time.Hour) },
		"a worker's call": func(ctx context.Context) {
			beat.Idle(ctx)
			beat.Timeout(beat.Branch(ctx).In(context.Background()), 3*time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var l beat.Loops
				ctx, _ := l.Start(t.Context(), "poll")
				begin(ctx)
				turnsFor(t, &l, 3*time.Hour)
			})
		})
	}
}

const day = 24 * time.Hour

func TestWorkBetweenTwoCallsHasALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l beat.Loops
		ctx, _ := l.Start(t.Context(), "poll")
		turnsFor(t, &l, 4*time.Minute+59*time.Second)
		_, end := beat.Timeout(ctx, day)
		time.Sleep(time.Hour)
		end()
		turnsFor(t, &l, 4*time.Minute+59*time.Second)
		beat.Turn(ctx)
		turnsFor(t, &l, 4*time.Minute+59*time.Second)
	})
}

func TestALoopThatWaitsForSomethingThatMayNeverComeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l beat.Loops
		ctx, _ := l.Start(t.Context(), "engine")
		beat.Idle(ctx)
		time.Sleep(30 * day)
		if late := stuck(t, &l); late != 0 {
			t.Errorf("it is stuck for %s", late)
		}
	})
}

func TestSleepEndsInTimeAtAWakeAndAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l beat.Loops
		ctx, cancel := context.WithCancel(t.Context())
		in, _ := l.Start(ctx, "poll")
		wake := make(chan struct{}, 1)
		began := time.Now()
		beat.Sleep(in, time.Hour, wake)
		if d := time.Since(began); d != time.Hour {
			t.Errorf("slept for %s", d)
		}
		wake <- struct{}{}
		beat.Sleep(in, time.Hour, wake)
		cancel()
		beat.Sleep(in, time.Hour, nil)
		if d := time.Since(began); d != time.Hour {
			t.Errorf("slept for %s", d)
		}
	})
}

func TestALoopThatHasEndedIsNotStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l beat.Loops
		ctx, end := l.Start(t.Context(), "probes")
		worker := beat.Branch(ctx)
		beat.Within(worker.In(ctx), time.Second)
		end()
		time.Sleep(time.Hour)
		if s := l.All()[0]; !s.Running || s.Stuck == 0 {
			t.Errorf("with a worker left it is %+v", s)
		}
		worker.End()
		if s := l.All()[0]; s.Running || s.Stuck != 0 {
			t.Errorf("it is %+v", s)
		}
	})
}

func TestLoopsAreSortedByName(t *testing.T) {
	t.Parallel()
	var l beat.Loops
	for _, name := range []string{"poll", "engine", "wake", "mark"} {
		l.Start(t.Context(), name)
	}
	var names string
	for _, s := range l.All() {
		names += s.Name + " "
	}
	if names != "engine mark poll wake " {
		t.Errorf("the loops are %s", names)
	}
}

func TestWithoutALoopNothingIsRecorded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	beat.Turn(ctx)
	beat.Within(ctx, time.Second)
	beat.Idle(ctx)
	p := beat.Branch(ctx)
	defer p.End()
	if p.In(ctx) != ctx {
		t.Error("the context was changed")
	}
	cause := errors.New("slow")
	limited, cancel := beat.TimeoutCause(ctx, 0, cause)
	defer cancel()
	if <-limited.Done(); !errors.Is(context.Cause(limited), cause) {
		t.Errorf("the cause is %v", context.Cause(limited))
	}
}
