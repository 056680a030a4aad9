package budget_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// The second process is a command that the owner runs next to the daemon.
func TestTwoProcessesCountTogether(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, sandbox.Options{Separate: true})
		daemon := w.open()
		owner, err := store.OpenOwner(dir, "cli:test")
		if err != nil {
			t.Fatal(err)
		}
		defer owner.Close()
		command, err := budget.Open(t.Context(), owner.Store, w.limits, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		took := 0
		for i := range 60 {
			b := daemon.budget
			if i%2 == 0 {
				b = command
			}
			if done, err := b.Take(t.Context(), order.RequestService, ""); err == nil {
				took++
				done(order.Answer{Status: 200, At: time.Now()})
			}
		}
		if took != 20 {
			t.Errorf("together they took %d of 20", took)
		}
		time.Sleep(2 * time.Hour)
		done, err := daemon.budget.Take(t.Context(), order.RequestDeliver, "o1")
		if err != nil {
			t.Fatal(err)
		}
		done(order.Answer{Status: 429, At: time.Now(), RetryAfter: 10 * time.Minute})
		if wait := command.Wait(t.Context(), order.RequestDeliver); wait < 9*time.Minute {
			t.Errorf("after a refusal of one process the other waits only %s", wait)
		}
	})
}
