package store

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestWhatIsUsualComesFromWhatSucceeded guards the durations that estimates are made of:
// failures say nothing about them.
func TestWhatIsUsualComesFromWhatSucceeded(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	if u, err := s.Usual(t.Context()); err != nil || u.Of(order.StageGenerate, "studio") != 0 || u.Of(order.StageUpload, "") != 0 {
		t.Fatalf("without a history: %+v, %v", u, err)
	}
	j := take(t, s, order.LaneGenerate)
	call := func(seconds int, end order.CallState) {
		t.Helper()
		c, err := s.BeginCall(j, order.NewCall{Generator: "studio"})
		if err == nil {
			err = s.CloseCall(c.ID, end, 0, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, outside(t, s.dir), `UPDATE calls SET began_at = '2026-01-01T00:00:00.000Z', closed_at = ? WHERE id = ?`,
			time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC).Format("2006-01-02T15:04:05.000Z"), c.ID)
	}
	for _, seconds := range []int{50, 10, 20} {
		call(seconds, order.CallDone)
	}
	for range 4 {
		call(1, order.CallFailed)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Next: order.StageDeliver}})
	deliver := take(t, s, order.LaneNetwork)
	finish(t, s, order.Done{Job: deliver, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	mustExec(t, outside(t, s.dir), `UPDATE attempts SET started_at = '2026-01-01T00:00:00.000Z', finished_at = '2026-01-01T00:00:02.000Z'`)
	u, err := s.Usual(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Of(order.StageGenerate, "studio"); got != 20*time.Second {
		t.Errorf("a call usually takes %s, want the median of those that made something", got)
	}
	if got := u.Of(order.StageDeliver, ""); got != 2*time.Second {
		t.Errorf("a delivery usually takes %s", got)
	}
}
