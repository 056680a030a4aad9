package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// refusing returns a store hook that refuses every write while full is set.
func refusing(full *atomic.Bool) func(string) error {
	return func(string) error {
		if full.Load() {
			return errors.New("database or disk is full")
		}
		return nil
	}
}

func TestWhileTheDatabaseRefusesWritesNoWorkIsTakenOrLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		w, run := start(t, store.Options{Hook: refusing(&full)}, engine.Options{Generators: 2, Lease: time.Hour},
			func(context.Context, order.Job) (order.Result, error) {
				time.Sleep(10 * time.Second)
				return order.Result{}, nil
			})
		var ids []string
		for i := range 6 {
			ids = append(ids, fmt.Sprint("o", i))
		}
		w.place(ids...)
		synctest.Wait()
		full.Store(true)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := len(run.log()); n != 2 {
			t.Errorf("%d stages were started, want the 2 that ran already", n)
		}
		full.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range ids {
			w.wantJob(id, order.JobDone)
			w.wantAttempts(id, "1 done")
		}
		if n := len(run.log()); n != len(ids) {
			t.Errorf("%d stages ran, want each of %d once", n, len(ids))
		}
	})
}

func TestARefusedWriteIsTriedAgainWithoutSpinning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		w, _ := start(t, store.Options{Hook: refusing(&full)}, engine.Options{Generators: 1, Network: 1, Lease: day}, lasting(time.Second))
		w.place("o1")
		synctest.Wait()
		full.Store(true)
		before := w.calls.calls.Load()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := w.calls.calls.Load() - before; n < 100 || n > 400 {
			t.Errorf("%d tries in ten minutes, want about one each two seconds", n)
		}
	})
}

func TestAStopDoesNotWaitForADatabaseThatRefusesWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		dir := storetest.Dir(t)
		w, _ := start(t, store.Options{Dir: dir, Hook: refusing(&full)}, engine.Options{Drain: 10 * time.Second}, lasting(time.Second))
		w.place("o1")
		synctest.Wait()
		full.Store(true)
		time.Sleep(5 * time.Second)
		begin := time.Now()
		w.stop()
		<-w.ended
		if d := time.Since(begin); d > 15*time.Second {
			t.Errorf("stopped after %v, want about the drain time", d)
		}
		w.Store.Close()
		// The lease is still in the database. The next start runs the stage again.
		again, run := start(t, store.Options{Dir: dir}, engine.Options{}, result(order.Result{}, nil))
		synctest.Wait()
		again.wantJob("o1", order.JobDone)
		if len(run.log()) != 1 {
			t.Errorf("ran %v", run.log())
		}
	})
}
