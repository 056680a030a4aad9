package order_test

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestTheDelayStaysWithinItsBoundsAndVaries(t *testing.T) {
	t.Parallel()
	b := order.Backoff{Base: 5 * time.Second, Max: time.Minute}
	for attempt, ceiling := range map[int]time.Duration{
		1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 5: time.Minute, 6: time.Minute,
		// Shifts that would overflow, and numbers that no attempt has.
		32: time.Minute, 33: time.Minute, 64: time.Minute, 1 << 40: time.Minute, 0: time.Minute, -3: time.Minute,
	} {
		low, high := time.Hour, time.Duration(0)
		for range 2000 {
			d := b.Delay(attempt)
			low, high = min(low, d), max(high, d)
		}
		if low < ceiling/10 || high >= ceiling {
			t.Errorf("attempt %d: delays from %s to %s, want within %s and %s", attempt, low, high, ceiling/10, ceiling)
		}
		if high-low < ceiling*7/10 {
			t.Errorf("attempt %d: delays from %s to %s are not spread over %s", attempt, low, high, ceiling)
		}
	}
}

func TestWithoutABaseOrAMaximumTheDelayIsDefined(t *testing.T) {
	t.Parallel()
	if d := (order.Backoff{}).Delay(1); d != 0 {
		t.Errorf("the zero value delays by %s", d)
	}
	if d := (order.Backoff{Base: time.Minute, Max: time.Second}).Delay(1); d < time.Second/10 || d >= time.Second {
		t.Errorf("a base above the maximum delays by %s", d)
	}
}
