package order_test

import (
	"regexp"
	"testing"

	"atelierd/internal/order"
)

// A key that changed between versions would pay for an open call again.
func TestTheKeyOfACallNeverChanges(t *testing.T) {
	t.Parallel()
	j := order.Job{ID: 7, AttemptID: 8, Token: "t", Attempt: 3, OrderID: "ord_1", Kind: order.KindDelivery, Round: 1}
	if got, want := order.CallKey("ag_1", j, "studio", 2), "394df523-eba8-5d4a-be7e-e128c4c4b16a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEachPartOfACallIsInItsKey(t *testing.T) {
	t.Parallel()
	j := order.Job{OrderID: "ord_1", Kind: order.KindDelivery}
	other := func(change func(*order.Job)) order.Job {
		own := j
		change(&own)
		return own
	}
	keys := map[string]string{}
	for name, key := range map[string]string{
		"itself":    order.CallKey("a", j, "g", 1),
		"agent":     order.CallKey("b", j, "g", 1),
		"order":     order.CallKey("a", other(func(j *order.Job) { j.OrderID = "ord_2" }), "g", 1),
		"kind":      order.CallKey("a", other(func(j *order.Job) { j.Kind = order.KindPiece }), "g", 1),
		"round":     order.CallKey("a", other(func(j *order.Job) { j.Round = 1 }), "g", 1),
		"generator": order.CallKey("a", j, "h", 1),
		"number":    order.CallKey("a", j, "g", 2),
		"hostile":   order.CallKey("a", other(func(j *order.Job) { j.OrderID = `ord_1" "delivery` }), "g", 1),
	} {
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(key) {
			t.Errorf("%s: %s is no UUID of version 5", name, key)
		}
		if before, ok := keys[key]; ok {
			t.Errorf("%s and %s have one key", name, before)
		}
		keys[key] = name
	}
}
