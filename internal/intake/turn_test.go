package intake_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// A look of another part of the daemon waits for a poll that lasts, and a stop ends its wait.
func TestALookThatWaitsForAPollEndsWithItsContext(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.market.SetFaults(sandbox.Faults{Script: func(*http.Request, int) sandbox.Fault { return sandbox.Fault{Slow: 30 * time.Second} }})
		w.start()
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.poller.Show(ctx, order.Facts{ID: "ord_1", Status: order.Paid}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a look during a poll ends with %v", err)
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("it has waited for %s", waited)
		}
		if err := w.poller.Show(t.Context(), order.Facts{ID: "ord_1", Status: order.Paid}); err != nil {
			t.Errorf("a look after the poll: %v", err)
		}
	})
}
