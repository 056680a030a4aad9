package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// clients place orders, send some back and cancel some, until end.
func (w *world) clients(rng *rand.Rand, end time.Time) {
	var placed []string
	sentBack := map[string]int{}
	for time.Now().Before(end) {
		time.Sleep(time.Duration(rng.IntN(12*60)) * time.Minute)
		brief := fmt.Sprintf("picture %d; it's \"quoted\"\n$(touch x) \x1b[31m \U0001F98A", len(placed))
		if rng.IntN(20) == 0 {
			brief = "something indecent"
		}
		o := w.plainOrderOf(rng, brief)
		if len(placed)%4 == 1 {
			o.ClientWallet = simPest
		}
		id, err := w.market.PlaceOrder(o)
		if err != nil {
			w.t.Logf("a client could not begin: %v", err) // the agent cannot be hired yet
			continue
		}
		placed = append(placed, id)
		w.chat(rng, id)
		for _, id := range placed {
			o, _ := w.market.Order(id)
			w.rate(rng, o)
			switch {
			case o.Status == "delivered" && o.ClientType != "agent_x402" && sentBack[id] < 2 && rng.IntN(12) == 0:
				sentBack[id]++
				w.sendBack(rng, id)
			case o.Status == "paid" && rng.IntN(40) == 0:
				w.cancel(id)
			}
		}
	}
}

// stay is a time in which the owner wanted an order left alone: no delivery
// may be made in it.
type stay struct {
	id       string
	from, to time.Time
}

// owner cancels running work and takes that back, at the worst moments: while
// the daemon is in the middle of it, and without notifying it.
func (w *world) owner(rng *rand.Rand, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(1+rng.IntN(240)) * time.Minute)
		if !w.anyPaid() {
			continue
		}
		// Each is a command of its own: while one waits, the folder may be put back.
		for _, do := range []func(o store.Owner){
			func(o store.Owner) { w.cancelHeld(rng, o) },
			func(o store.Owner) { w.approve(rng.IntN(2) == 0, o) },
			func(o store.Owner) { w.meddle(rng, o) },
		} {
			o, err := store.OpenOwner(w.dir, "cli:test")
			if err != nil {
				continue // the daemon has not made its database yet
			}
			do(o)
			o.Close()
		}
	}
}

// anyPaid reports whether an order waits for its delivery.
func (w *world) anyPaid() bool {
	return slices.ContainsFunc(w.market.Orders(), func(o sandbox.Order) bool { return o.Status == "paid" && o.AgentID == w.agent })
}

func (w *world) meddle(rng *rand.Rand, o store.Owner) {
	lines, err := o.Orders(context.Background(), "working", 1)
	if err != nil || len(lines) == 0 || lines[0].Stage != order.StageGenerate {
		return
	}
	id := lines[0].ID
	if err := o.Cancel(context.Background(), id, "on second thoughts"); err != nil {
		return // it has moved on in this very moment
	}
	w.touched[id] = true
	from := time.Now()
	time.Sleep(time.Duration(rng.IntN(30)) * time.Minute)
	w.stays = append(w.stays, stay{id, from, time.Now()})
	// The folder may have been put back meanwhile, so it is another command on what is there now.
	again, err := store.OpenOwner(w.dir, "cli:test")
	if err == nil {
		err = again.Retry(context.Background(), id)
		again.Close()
	}
	if err != nil {
		w.t.Logf("the owner could not retry %s: %v", id, err)
	}
}
