package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// lasting returns a stage that takes d unless it is cancelled.
func lasting(d time.Duration) func(context.Context, order.Job) (order.Result, error) {
	return func(ctx context.Context, _ order.Job) (order.Result, error) {
		select {
		case <-time.After(d):
			return order.Result{}, nil
		case <-ctx.Done():
			return order.Result{}, ctx.Err()
		}
	}
}

func TestAStopLetsRunningWorkFinishAndTakesNothingNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{Generators: 1, Drain: 30 * time.Second}, lasting(20*time.Second))
		w.place("o1", "o2")
		synctest.Wait()
		begin := time.Now()
		w.stop()
		<-w.ended
		if d := time.Since(begin); d != 20*time.Second {
			t.Errorf("stopped after %v, want when the work was done after 20s", d)
		}
		w.wantJob("o1", order.JobDone)
		w.wantJob("o2", order.JobReady)
		if len(run.log()) != 1 {
			t.Errorf("ran %v", run.log())
		}
	})
}

func TestWorkCutAfterTheDrainTimeCostsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{Drain: 30 * time.Second, MaxAttempts: 1}, lasting(time.Hour))
		w.place("o1")
		synctest.Wait()
		begin := time.Now()
		w.stop()
		<-w.ended
		if d := time.Since(begin); d != 30*time.Second {
			t.Errorf("stopped after %v, want the drain time", d)
		}
		w.wantJob("o1", order.JobReady)
		if l := w.line("o1"); l.Attempt != 0 {
			t.Errorf("the cut attempt counts: %d", l.Attempt)
		}
		w.wantAttempts("o1", "1 stopped")
	})
}

func TestStopNowCutsWorkAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{Drain: time.Hour}, lasting(day))
		w.place("o1")
		synctest.Wait()
		begin := time.Now()
		w.stop()
		time.Sleep(time.Second)
		w.StopNow()
		<-w.ended
		if d := time.Since(begin); d != time.Second {
			t.Errorf("stopped after %v, want at once", d)
		}
		w.wantAttempts("o1", "1 stopped")
	})
}

func TestAnIdleEngineStopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{Drain: time.Hour}, result(order.Result{}, nil))
		synctest.Wait()
		begin := time.Now()
		w.stop()
		<-w.ended
		if d := time.Since(begin); d != 0 {
			t.Errorf("an idle engine stopped after %v", d)
		}
	})
}

func TestAPausedEngineTakesNothingUntilItResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{Generators: 1}, lasting(time.Minute))
		w.place("running", "next")
		synctest.Wait()
		w.Pause("the key is refused")
		time.Sleep(time.Hour)
		synctest.Wait()
		w.wantJob("running", order.JobDone)
		w.wantJob("next", order.JobReady)
		w.place("new")
		synctest.Wait()
		if len(run.log()) != 1 {
			t.Errorf("a paused engine ran %v", run.log())
		}
		w.Resume("the key is refused")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		w.wantJob("next", order.JobDone)
		w.wantJob("new", order.JobDone)
	})
}

func TestRunUntilIdleRunsWhatIsDueNowAndReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: storetest.Dir(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := &world{Store: s, t: t}
		w.place("good", "flaky", "slow")
		run := &stage{fn: func(_ context.Context, j order.Job) (order.Result, error) {
			switch j.OrderID {
			case "flaky":
				return order.Result{}, errors.New("it broke")
			case "slow":
				time.Sleep(time.Minute)
			}
			next := map[order.Stage]order.Stage{order.StageGenerate: order.StageUpload, order.StageUpload: order.StageDeliver}
			return order.Result{Next: next[j.Stage]}, nil
		}}
		e := engine.New(engine.Options{Store: s, Runner: run, Backoff: order.Backoff{Base: day, Max: day}})
		s.Notify(func(c store.Change) { e.Wake(c.Generate, c.Network, c.Revoked) })
		begin := time.Now()
		if err := e.RunUntilIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d < 3*time.Minute || d > 4*time.Minute {
			t.Errorf("ended after %v, want when the slow order was done", d)
		}
		w.wantJob("good", order.JobDone)
		w.wantJob("slow", order.JobDone)
		w.wantJob("flaky", order.JobReady)
		if n := len(run.log()); n != 7 {
			t.Errorf("%d stages ran, want 3 each and one failure: %v", n, run.log())
		}
	})
}

func TestRunUntilIdleReturnsAtOnceWithoutWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: storetest.Dir(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		e := engine.New(engine.Options{Store: s, Runner: &stage{}})
		begin := time.Now()
		if err := e.RunUntilIdle(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("ended after %v with %v", time.Since(begin), err)
		}
	})
}

func TestAnIdleEngineDoesNotCallTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{}, result(order.Result{}, nil))
		w.place("o1")
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		before := w.calls.calls.Load()
		if before == 0 {
			t.Fatal("the calls are not counted")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.calls.calls.Load() - before; n != 0 {
			t.Errorf("%d calls of the store in an idle hour", n)
		}
	})
}

func TestAnEngineThatWaitsForADueTimeLooksAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := start(t, store.Options{}, engine.Options{}, result(order.Result{},
			&order.Failure{Class: order.Wait, Code: "x", After: 2 * time.Hour}))
		w.place("o1")
		synctest.Wait()
		before := w.calls.calls.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.calls.calls.Load() - before; n > 60 {
			t.Errorf("%d calls of the store in an hour with one job that waits", n)
		}
	})
}

func TestWorkInterruptedByACrashStartsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := storetest.Dir(t)
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Store: s, t: t}
		w.place("o1")
		if tn, err := s.Turn(nil, order.LaneGenerate, true, day); err != nil || tn.Job == nil {
			t.Fatalf("%+v, %v", tn, err)
		}
		s.Close() // the lease is still in the database, as after a crash
		begin := time.Now()
		w, run := start(t, store.Options{Dir: dir}, engine.Options{Lease: day}, result(order.Result{}, nil))
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		if d := time.Since(begin); d != 0 {
			t.Errorf("it waited %v for the lease of a dead process", d)
		}
		if want := []string{"o1 generate 1"}; !slices.Equal(run.log(), want) {
			t.Errorf("ran %v, want %v", run.log(), want)
		}
	})
}
