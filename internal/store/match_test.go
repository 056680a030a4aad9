package store

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestAPreviewChangesNothingAndFailsAsTheActionWould guards the plan that an owner's command
// shows before it does something to several orders.
func TestAPreviewChangesNothingAndFailsAsTheActionWould(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, order.CodeMisconfigured, "no program")})
	found, err := s.Match(t.Context(), order.Filter{Code: order.CodeMisconfigured, Since: placed.Add(-time.Hour), Before: time.Now().Add(time.Hour)}, 10)
	if err != nil || len(found) != 1 || found[0].Generates != 1 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if all, err := s.Match(t.Context(), order.Filter{}, 10); err != nil || len(all) != 2 {
		t.Errorf("an empty filter finds %+v, %v", all, err)
	}
	held := found[0].ID
	other := map[string]string{"o1": "o2", "o2": "o1"}[held]
	o := Owner{Store: s, By: "cli:jo"}
	if err := o.Preview().Retry(t.Context(), held); err != nil {
		t.Errorf("the preview fails: %v", err)
	}
	if err := o.Preview().Retry(t.Context(), other); err == nil || err.Error() != o.Retry(t.Context(), other).Error() {
		t.Errorf("the preview of what cannot be retried ends with %v", err)
	}
	if now := getOrder(t, s, held); now.State != order.StateHeld {
		t.Errorf("after the preview it is %s", now.State)
	}
	if err := o.Retry(t.Context(), held); err != nil || getOrder(t, s, held).State != order.StateWorking {
		t.Errorf("the retry ends with %v", err)
	}
}
