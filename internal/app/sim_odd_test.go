package app

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"atelierd/internal/sandbox"
)

// This file is the rows of the simulated listings that are odd: times that no calendar
// has, sizes beyond what is read, and rows that are no orders. None of them delays
// another order, so the other rules hold them.

// oddTimes are times of orders, far from now or no times at all.
var oddTimes = []string{"9999-12-31T23:59:59Z", "0001-01-01 00:00:00", "-0044-03-15T12:00:00Z", "9999-12-31 23:59:59", "never"}

// oddRow sets odd times in an order now and then.
func oddRow(rng *rand.Rand, n sandbox.NewOrder) sandbox.NewOrder {
	if rng.IntN(8) == 0 {
		n.Raw = map[string]any{"created_at": oddTimes[rng.IntN(len(oddTimes))], "review_deadline": oddTimes[rng.IntN(len(oddTimes))]}
	}
	return n
}

// oddOrders adds rows that are no orders to every listing, and has a client order
// something that is too large to be read for a while.
func (w *world) oddOrders(rng *rand.Rand) {
	if rng.IntN(3) > 0 {
		return
	}
	for _, row := range []string{
		`7`, `{"id":null,"status":"paid"}`, `{"id":"row_1","status":"completed","created_at":"9999-12-31T23:59:59Z","completed_at":"-0001-01-01T00:00:00Z"}`,
	} {
		w.expect(w.market.AddRawRow([]byte(row)))
	}
	time.Sleep(time.Duration(1+rng.IntN(24)) * time.Hour)
	id, err := w.market.PlaceOrder(sandbox.NewOrder{
		AgentID: w.agent, ServiceTitle: simTitle, Brief: "a picture of everything", Price: "5.00", Raw: map[string]any{"notes": strings.Repeat("x", 1<<20)},
	})
	if err != nil {
		return // the service is not listed yet
	}
	w.looks.setLarge(id, true)
	time.Sleep(time.Duration(1+rng.IntN(4)) * time.Hour)
	w.looks.setLarge(id, false)
	w.expect(w.market.SetRaw(id, nil))
}

func (l *looks) setLarge(id string, large bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.large[id] = large
}

// goOdd runs oddOrders next to the clients.
func (w *world) goOdd(outside *sync.WaitGroup) {
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), 24))
	outside.Go(func() { w.oddOrders(rng) })
}
