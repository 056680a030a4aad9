package order_test

import (
	"math"
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestProgressIsLimited guards that no number of a generator is shown that cannot be, and
// that a phase never goes back.
func TestProgressIsLimited(t *testing.T) {
	t.Parallel()
	const making, queued, uploading = order.PhaseMaking, order.PhaseQueued, order.PhaseUploading
	for _, c := range []struct {
		name         string
		before, says order.Progress
		want         float64
		text         string
	}{
		{"nothing", order.Progress{}, order.Progress{}, 0, ""},
		{"a fraction", order.Progress{}, order.Progress{Fraction: 0.4}, 0.4, "40%"},
		{"more than all", order.Progress{}, order.Progress{Fraction: 2}, 1, "100%"},
		{"infinite", order.Progress{}, order.Progress{Fraction: math.Inf(1)}, 1, "100%"},
		{"less than nothing", order.Progress{Phase: making, Fraction: 0.3}, order.Progress{Fraction: -1}, 0.3, "30%"},
		{"no number", order.Progress{Phase: making, Fraction: 0.3}, order.Progress{Fraction: math.NaN()}, 0.3, "30%"},
		{"backwards", order.Progress{Phase: making, Fraction: 0.6}, order.Progress{Fraction: 0.5}, 0.6, "60%"},
		{"another phase", order.Progress{Phase: queued, Queue: 3}, order.Progress{Phase: making}, 0, ""},
		{"a place in the queue", order.Progress{}, order.Progress{Phase: queued, Queue: 3}, 0, "place 3 in the provider's queue"},
		{"a place below nothing", order.Progress{}, order.Progress{Phase: queued, Queue: -3}, 0, "in the provider's queue"},
		{"bytes", order.Progress{}, order.Progress{Phase: uploading, Done: 5, Total: 10}, 0.5, "uploading, 50%"},
		{"more bytes than there are", order.Progress{}, order.Progress{Phase: uploading, Done: 50, Total: 10}, 1, "uploading, 100%"},
		{"bytes below nothing", order.Progress{}, order.Progress{Phase: uploading, Done: -5, Total: -10}, 0, "uploading"},
		{"another call", order.Progress{Phase: making, Fraction: 0.6, Began: time.Unix(1, 0)}, order.Progress{Phase: making, Began: time.Unix(2, 0)}, 0, ""},
		{"another generator", order.Progress{Phase: making, Fraction: 0.6, Generator: "a"}, order.Progress{Phase: making, Generator: "b"}, 0, ""},
	} {
		got := c.says.After(c.before)
		if got.Fraction != c.want || got.String() != c.text {
			t.Errorf("%s: %v, %q, want %v, %q", c.name, got.Fraction, got.String(), c.want, c.text)
		}
	}
}
