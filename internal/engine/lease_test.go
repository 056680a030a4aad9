package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

func TestTheLeaseOfLongWorkIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, run := start(t, store.Options{}, engine.Options{Lease: time.Minute}, func(ctx context.Context, j order.Job) (order.Result, error) {
			select {
			case <-time.After(2 * time.Hour):
				return order.Result{}, nil
			case <-ctx.Done():
				return order.Result{}, ctx.Err()
			}
		})
		w.place("o1", "o2")
		time.Sleep(2*time.Hour + time.Second)
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		w.wantJob("o2", order.JobDone)
		if n := len(run.log()); n != 2 {
			t.Errorf("ran %v, want each once", run.log())
		}
	})
}

func TestWorkOutlivesALeaseThatCannotBeRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		var log logged
		w, run := start(t, store.Options{Hook: refusing(&full)}, engine.Options{Lease: time.Minute, Log: log.logger()}, hour)
		w.place("o1")
		synctest.Wait()
		full.Store(true)
		time.Sleep(2 * time.Hour)
		full.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		w.wantAttempts("o1", "1 done")
		if n := len(run.log()); n != 1 {
			t.Errorf("ran %v, want it once", run.log())
		}
		if n := log.count("leases are not renewed"); n != 1 {
			t.Errorf("the failed renewals are logged %d times, want once\n%s", n, log.String())
		}
	})
}

func TestWorkOutlivesALeaseWhileARenewalWaitsForALock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log logged
		locked, unlock := make(chan struct{}), make(chan struct{})
		var once sync.Once
		hook := func(point string) error {
			if point == "before:renew" { // a foreign lock stops the writer like this
				once.Do(func() { close(locked) })
				<-unlock
			}
			return nil
		}
		w, run := start(t, store.Options{Hook: hook}, engine.Options{Lease: time.Minute, Log: log.logger()}, hour)
		w.place("o1")
		<-locked
		time.Sleep(2 * time.Hour)
		close(unlock)
		synctest.Wait()
		w.wantJob("o1", order.JobDone)
		w.wantAttempts("o1", "1 done")
		if n := len(run.log()); n != 1 {
			t.Errorf("ran %v, want it once", run.log())
		}
		if n := log.count("leases are not renewed"); n != 1 {
			t.Errorf("the late renewal is logged %d times, want once\n%s", n, log.String())
		}
	})
}

func TestACancelledOrderCutsItsWorkAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started, causes := make(chan order.Job, 10), make(chan error, 10)
		w, _ := start(t, store.Options{}, engine.Options{Lease: time.Hour}, until(started, causes))
		w.place("o1", "o2")
		<-started
		<-started
		begin := time.Now()
		w.cancel("o1")
		if cause := <-causes; !errors.Is(cause, order.ErrLeaseLost) {
			t.Errorf("cut because of %v", cause)
		}
		if d := time.Since(begin); d != 0 {
			t.Errorf("cut after %v", d)
		}
		synctest.Wait()
		w.wantJob("o1", order.JobCancelled)
		w.wantAttempts("o1", "1 lost")
		w.wantJob("o2", order.JobLeased)
		if len(causes) != 0 {
			t.Error("its neighbour was cut too")
		}
	})
}

func TestAResultWithoutALeaseIsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		w, run := start(t, store.Options{}, engine.Options{}, func(context.Context, order.Job) (order.Result, error) {
			<-finish // ignores its context
			return order.Result{Next: order.StageUpload}, nil
		})
		w.place("o1")
		synctest.Wait()
		w.cancel("o1")
		close(finish)
		synctest.Wait()
		w.wantJob("o1", order.JobCancelled)
		w.wantAttempts("o1", "1 lost")
		if len(run.log()) != 1 {
			t.Errorf("ran %v", run.log())
		}
	})
}
