package intake_test

import (
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAnOrderFromTheFutureIsPlacedNow(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		odd := w.place(func(n *sandbox.NewOrder) {
			n.Raw = map[string]any{"created_at": "9999-12-31T23:59:59Z", "delivered_at": "9999-12-31T23:59:59Z", "completed_at": "2999-01-01 00:00:00"}
		})
		w.place(nil)
		w.poll()
		o, now := w.state(odd), time.Now()
		if o.CreatedAt.After(now) || o.DeliveredAt.After(now) || o.CompletedAt.After(now) || o.DueAt.Sub(now) > 30*24*time.Hour {
			t.Errorf("placed %s, delivered %s, completed %s, due %s; it is %s", o.CreatedAt, o.DeliveredAt, o.CompletedAt, o.DueAt, now)
		}
		for range 2 {
			if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute); err != nil || turn.Job == nil {
				t.Errorf("%+v, %v", turn, err)
			}
		}
	})
}
