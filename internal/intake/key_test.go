package intake_test

import (
	"slices"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// waitForKey makes the job of an order wait a day for the key.
func (w *world) waitForKey() {
	w.t.Helper()
	turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
	if err != nil || turn.Job == nil {
		w.t.Fatalf("no job: %v", err)
	}
	wait := &order.Done{
		Job: *turn.Job, RunAt: time.Now().Add(24 * time.Hour),
		Failure: order.Failf(order.Wait, order.CodeKeyRefused, "refused"),
	}
	if _, err := w.store.Turn(wait, order.LaneGenerate, false, 0); err != nil {
		w.t.Fatal(err)
	}
}

// wantReports checks what KeyRefused was called with.
func (w *world) wantReports(want ...bool) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.refused, want) {
		w.t.Errorf("KeyRefused was called with %v, want %v", w.refused, want)
	}
}

// wantKeyAlert checks whether the owner is shown the alert about a refused key.
func (w *world) wantKeyAlert(want bool) {
	w.t.Helper()
	list := w.attention()
	if got := slices.ContainsFunc(list, func(a store.Attention) bool { return a.What == "daemon" }); got != want {
		w.t.Errorf("the owner is shown %+v, want the alert: %t", list, want)
	}
}

func TestARefusedKeyIsReportedOnceAndAnotherKeyIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.start()
		time.Sleep(time.Second)
		w.waitForKey()
		another, err := w.market.RotateKey(w.agent)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if n := w.log.count("refuses the key"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		if n := len(w.market.Requests()); n < 3*6 || n > 3*6+2 {
			t.Errorf("%d polls in three hours with a refused key, want one in ten minutes", n)
		}
		w.wantKeyAlert(true)
		w.wantReports(true)
		w.mu.Lock()
		if w.asked < 1900 || w.asked > 2160 {
			t.Errorf("looked for another key %d times in three hours, want each 5 seconds", w.asked)
		}
		w.key, w.changed = another, true
		w.mu.Unlock()
		time.Sleep(6 * time.Second)
		w.wantReports(true, false)
		w.wantKeyAlert(false)
		turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
		if err != nil || turn.Job == nil || turn.Job.OrderID != id {
			t.Errorf("the job that waited for the key still waits: %+v, %v", turn, err)
		}
		before := len(w.market.Requests())
		time.Sleep(10 * time.Minute)
		if n := len(w.market.Requests()) - before; n < 3 {
			t.Errorf("%d polls in ten minutes with a good key", n)
		}
	})
}

func TestAKeyThatIsAcceptedAgainIsNoticed(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		good := w.key
		w.key = "atelier_wrong"
		w.start()
		time.Sleep(15 * time.Minute)
		w.mu.Lock()
		w.key = good // as if the marketplace accepted the same key again
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		w.wantReports(true, false)
	})
}

func TestARefusedKeyIsReportedOnceAcrossAnOutage(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.key = "atelier_wrong"
		w.start()
		time.Sleep(time.Minute)
		w.market.SetDown(true)
		time.Sleep(time.Hour)
		w.market.SetDown(false)
		time.Sleep(time.Hour)
		w.wantReports(true)
		if n := w.log.count("refuses the key"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})
}
