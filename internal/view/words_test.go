package view

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestAUsualTimeIsShownFromOneSecondOn guards a bar that reads "usually 0s".
func TestAUsualTimeIsShownFromOneSecondOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for usual, want := range map[float64]string{0: "generate, for 2s", 0.4: "generate, for 2s", 3: "generate, for 2s, usually 3s"} {
		v := Work{Stage: order.StageGenerate, Since: now.Add(-2 * time.Second), UsualSeconds: usual}
		if got := v.Text(now); got != want {
			t.Errorf("usually %vs: %q, want %q", usual, got, want)
		}
	}
}

func TestOnlyRequestsThatAnOrderNeedsBlockIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		v    Requests
		left bool
	}{
		{"registrations used up by polls", Requests{Used: 7, Kinds: []Request{{Kind: order.RequestPoll, Limit: 30}, {Kind: order.RequestRegister, Limit: 5}}}, true},
		{"shared count used up", Requests{Used: 30, Kinds: []Request{{Kind: order.RequestDeliver, Limit: 30}}}, false},
		{"separate count of others used up", Requests{Used: 30, Counts: order.CountsSeparate, Kinds: []Request{{Kind: order.RequestDeliver, Used: 2, Limit: 30}}}, true},
		{"blocked", Requests{Kinds: []Request{{Kind: order.RequestUpload, Limit: 30, BlockedUntil: time.Unix(1, 0)}}}, false},
	} {
		if got := c.v.Suffice(); got != c.left {
			t.Errorf("%s: left is %v, want %v", c.name, got, c.left)
		}
	}
}
