package intake_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// TestAnAskedPollComesAtOnceAndSaysWhatItFound guards the first hour of an owner: an
// order is there within seconds, however long the interval is.
func TestAnAskedPollComesAtOnceAndSaysWhatItFound(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		synctest.Wait()
		w.place(nil)
		time.Sleep(time.Minute)
		began := time.Now()
		s, err := w.poller.Ask(t.Context())
		if err != nil || s.Err != nil || s.New != 1 || s.Orders != 1 || time.Since(began) > time.Second {
			t.Errorf("after %s the poll has found %+v, %v", time.Since(began), s, err)
		}
		if wait := time.Until(s.Next); wait < interval-time.Second {
			t.Errorf("the next poll is due in %s, want the interval at least", wait)
		}
		if later := w.poller.State(); later != s {
			t.Errorf("the state is %+v, want %+v", later, s)
		}
	})
}

// TestAskedPollsLeaveTheRestOfTheRequestsToDeliveries guards that a script that polls all
// the time keeps no order from being delivered.
func TestAskedPollsLeaveTheRestOfTheRequestsToDeliveries(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		synctest.Wait()
		for range 60 {
			s, err := w.poller.Ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f, refused := errors.AsType[*order.Failure](s.Err)
			if !refused {
				continue
			}
			if f.Code != order.CodeBudget || !s.Next.After(time.Now()) {
				t.Errorf("refused for %v, and the next poll is at %s", f, s.Next)
			}
			if sent := w.polls(); sent < 10 || sent > 26 {
				t.Errorf("%d polls were sent, want some, and the reserve left", sent)
			}
			return
		}
		t.Error("60 polls were sent in no time")
	})
}

func TestAsksAtTheSameTimeShareAPoll(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		synctest.Wait()
		time.Sleep(time.Minute)
		before := w.polls()
		// Each poll takes a moment, so that all ask before the first one is answered.
		w.market.SetFaults(sandbox.Faults{Script: func(*http.Request, int) sandbox.Fault { return sandbox.Fault{Slow: time.Second} }})
		var asking sync.WaitGroup
		for range 5 {
			asking.Go(func() {
				if _, err := w.poller.Ask(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		if sent := w.polls() - before; sent > 2 {
			t.Errorf("5 asks led to %d polls", sent)
		}
	})
}

func TestAnAskEndsWithThePoller(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.poller.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := w.poller.Ask(t.Context()); !errors.Is(err, intake.ErrEnded) {
			t.Errorf("after the end of the poller: %v", err)
		}
	})
}
