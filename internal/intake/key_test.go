package intake_test

import (
	"slices"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func TestARefusedKeyIsSaidOncePollsSlowlyAndAnotherKeyIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.start()
		time.Sleep(time.Second)
		// Work that waits for the key, and would wait for long.
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
		if list := w.attention(); !slices.ContainsFunc(list, keyTrouble) {
			t.Errorf("the owner is shown %+v", list)
		}
		w.mu.Lock()
		told, asked := slices.Clone(w.told), w.asked
		w.mu.Unlock()
		if !slices.Equal(told, []bool{true}) || asked < 1900 || asked > 2160 {
			t.Errorf("told %v; looked for another key %d times in three hours", told, asked)
		}

		w.mu.Lock()
		w.key, w.changed = another, true
		w.mu.Unlock()
		time.Sleep(6 * time.Second)
		w.mu.Lock()
		told = slices.Clone(w.told)
		w.mu.Unlock()
		if !slices.Equal(told, []bool{true, false}) {
			t.Errorf("with a new key it was told %v", told)
		}
		if list := w.attention(); slices.ContainsFunc(list, keyTrouble) {
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

// keyTrouble is what the owner is shown of a refused key.
func keyTrouble(a store.Attention) bool { return a.What == "daemon" }

func TestAKeyThatComesBackToLifeIsNoticedWithoutAnother(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		good := w.key
		w.key = "atelier_wrong"
		w.start()
		time.Sleep(15 * time.Minute)
		w.mu.Lock()
		w.key = good // the marketplace has mended it, say: nothing has changed with us
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Equal(w.told, []bool{true, false}) {
			t.Errorf("told %v", w.told)
		}
	})
}

func TestARefusedKeyIsNotForgottenDuringAnOutage(t *testing.T) {
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
		if !slices.Equal(w.told, []bool{true}) || w.log.count("refuses the key") != 1 {
			t.Errorf("told %v, said %d times", w.told, w.log.count("refuses the key"))
		}
	})
}
