package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestANumberOfGeneratorsChangesWithoutCuttingWork guards that workers come at once and
// leave only after their work.
func TestANumberOfGeneratorsChangesWithoutCuttingWork(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		cut := 0
		w, _ := start(t, store.Options{Dir: dir}, engine.Options{Generators: 1}, func(ctx context.Context, j order.Job) (order.Result, error) {
			r, err := hour(ctx, j)
			if err != nil && cut >= 0 {
				cut++
			}
			return r, err
		})
		expect := func(generators, running int) {
			t.Helper()
			w.Change(engine.Settings{Generators: generators})
			time.Sleep(time.Minute)
			if n := len(w.Running()); n != running {
				t.Errorf("with %d generators %d orders are worked on, want %d", generators, n, running)
			}
		}
		w.place("o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8")
		expect(1, 1)
		expect(3, 3)
		expect(2, 3) // none is cut
		time.Sleep(time.Hour)
		expect(2, 2)
		expect(1, 2)
		time.Sleep(time.Hour)
		expect(1, 1)
		expect(4, 3) // all that are left
		if cut != 0 {
			t.Errorf("%d were cut", cut)
		}
		time.Sleep(2 * time.Hour)
		if n := len(w.Running()); n != 0 {
			t.Errorf("at the end %d orders are worked on", n)
		}
	})
}
