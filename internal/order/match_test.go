package order_test

import (
	"testing"

	"atelierd/internal/order"
)

func TestARetryCostsAtMostWhatTheCapsAllow(t *testing.T) {
	t.Parallel()
	net := 10 * order.Dollar
	m := order.Match{Generates: 2, Spent: order.Dollar, Net: &net}
	for _, c := range []struct {
		caps order.Caps
		want order.USD
	}{
		{order.Caps{}, 20 * order.Dollar},
		{order.Caps{Attempt: 3 * order.Dollar}, 6 * order.Dollar},
		{order.Caps{Order: 4 * order.Dollar}, 3 * order.Dollar},
		{order.Caps{Percent: 50}, 4 * order.Dollar},
		{order.Caps{Order: order.Dollar / 2}, 0},
	} {
		if got := c.caps.MostAtRetry(m, 2*order.Dollar, 5); got != c.want {
			t.Errorf("with %+v it costs at most $%s, want $%s", c.caps, got, c.want)
		}
	}
}
