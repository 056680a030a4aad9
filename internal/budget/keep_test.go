package budget

import (
	"testing"
	"time"
)

func TestWhatPollsLeaveToDeliveriesIsTheReserveOrTheWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		d    demand
		want int
	}{
		"no work":        {demand{}, 8},
		"ten jobs":       {demand{pending: 10}, 20},
		"a rush is seen": {demand{placed: 9}, 20},
	} {
		p := pace{interval: time.Minute, window: time.Hour, elapsed: 30 * time.Minute, left: 30, reserve: 8}
		if got := p.keep(c.d); got != c.want {
			t.Errorf("%s: %d requests are kept, want %d", name, got, c.want)
		}
	}
}
