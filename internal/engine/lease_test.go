package engine_test

import (
	"context"
	"errors"
	"slices"
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

func TestWorkEndsWhenItsLeaseCannotBeRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		hook := func(string) error {
			if broken.Load() {
				return errors.New("disk I/O error")
			}
			return nil
		}
		started, causes := make(chan order.Job, 10), make(chan error, 10)
		w, run := start(t, store.Options{Hook: hook}, engine.Options{Lease: time.Minute}, until(started, causes))
		w.place("o1")
		<-started
		time.Sleep(30 * time.Second)
		broken.Store(true)
		begin := time.Now()
		if cause := <-causes; !errors.Is(cause, order.ErrLeaseLost) {
			t.Errorf("cut because of %v, want the lost lease", cause)
		}
		if d := time.Since(begin); d < 30*time.Second || d > time.Minute {
			t.Errorf("cut %v after the first renewal could fail, want within the lease", d)
		}
		// The database accepts writes again: the job is put back, and the attempt does not count.
		time.Sleep(time.Minute)
		broken.Store(false)
		<-started
		if want := []string{"o1 generate 1", "o1 generate 1"}; !slices.Equal(run.log(), want) {
			t.Errorf("ran %v, want attempt 1 twice", run.log())
		}
	})
}

func TestARenewalThatFailsTwiceIsRetriedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := 0
		w, run := start(t, store.Options{Hook: func(point string) error {
			if point == "before:renew" && fails < 2 {
				fails++
				return errors.New("busy")
			}
			return nil
		}}, engine.Options{Lease: time.Minute}, func(ctx context.Context, _ order.Job) (order.Result, error) {
			select {
			case <-time.After(time.Hour):
				return order.Result{}, nil
			case <-ctx.Done():
				return order.Result{}, ctx.Err()
			}
		})
		w.place("o1")
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if fails != 2 || len(run.log()) != 1 {
			t.Errorf("%d renewals failed, ran %v; want 2, and one run", fails, run.log())
		}
		w.wantJob("o1", order.JobDone)
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
