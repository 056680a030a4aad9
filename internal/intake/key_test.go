package intake_test

import (
	"slices"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func TestARefusedKeyIsReportedOnceAndAnotherKeyIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.start()
		time.Sleep(time.Second)
		// A job that waits a day for the key.
		turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
		if err != nil || turn.Job == nil {
			t.Fatalf("no job: %v", err)
		}
		wait := &order.Done{Job: *turn.Job, RunAt: time.Now().Add(24 * time.Hour), Failure: order.Failf(order.Wait, order.CodeKeyRefused, "refused")}
		if _, err := w.store.Turn(wait, order.LaneGenerate, false, 0); err != nil {
			t.Fatal(err)
		}

		another, err := w.market.RotateKey(w.agent)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		during := w.market.Requests()
		if n := w.log.count("refuses the key"); n != 1 {
			t.Errorf("said %d times", n)
		}
		if n := len(during); n < 3*6 || n > 3*6+2 {
			t.Errorf("%d polls in three hours with a refused key", n)
		}
		if list := w.attention(); !slices.ContainsFunc(list, isKeyAlert) {
			t.Errorf("the owner is shown %+v", list)
		}
		w.mu.Lock()
		reports, asked := slices.Clone(w.refused), w.asked
		w.mu.Unlock()
		if !slices.Equal(reports, []bool{true}) || asked < 1900 || asked > 2160 {
			t.Errorf("reports %v; looked for another key %d times in three hours", reports, asked)
		}

		w.mu.Lock()
		w.key, w.changed = another, true
		w.mu.Unlock()
		time.Sleep(6 * time.Second)
		w.mu.Lock()
		reports = slices.Clone(w.refused)
		w.mu.Unlock()
		if !slices.Equal(reports, []bool{true, false}) {
			t.Errorf("with a new key it was reports %v", reports)
		}
		if list := w.attention(); slices.ContainsFunc(list, isKeyAlert) {
			t.Errorf("the owner is still shown %+v", list)
		}
		turn, err = w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
		if err != nil || turn.Job == nil || turn.Job.OrderID != id {
			t.Errorf("what waited for the key waits on: %+v, %v", turn, err)
		}
		before := len(w.market.Requests())
		time.Sleep(10 * time.Minute)
		if n := len(w.market.Requests()) - before; n < 3 {
			t.Errorf("%d polls in ten minutes with a good key", n)
		}
	})
}

// isKeyAlert reports whether the owner is shown the alert about a refused key.
func isKeyAlert(a store.Attention) bool { return a.What == "daemon" }

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
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Equal(w.refused, []bool{true, false}) {
			t.Errorf("reports %v", w.refused)
		}
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
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Equal(w.refused, []bool{true}) || w.log.count("refuses the key") != 1 {
			t.Errorf("reports %v, said %d times", w.refused, w.log.count("refuses the key"))
		}
	})
}
