package fulfill_test

import (
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func from(wallet string) func(*sandbox.NewOrder) {
	return func(n *sandbox.NewOrder) { n.ClientWallet = wallet }
}

// TestNothingIsMadeForABlockedClient guards the moments between a reload and the next poll:
// work that is ready is not begun, and what a running attempt has made is not sent.
func TestNothingIsMadeForABlockedClient(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		var rules order.ClientRules
		blocking := order.ClientRules{Block: []string{"pest"}}
		w.options = func(o *fulfill.Options) { o.Clients = func() order.ClientRules { return rules } }
		p := &provider{}
		w.useProvider(p)
		id := w.order(from("pest"))
		rules = blocking
		w.fails(order.StageGenerate, order.Hold, order.CodeClientBlocked)
		if len(p.runs) != 0 {
			t.Fatalf("%d calls", len(p.runs))
		}
		w.asOwner(func(o store.Owner) error { return o.Approve(w.t.Context(), id, 0) })
		w.restart()
		if r := w.must(order.StageGenerate); r.Hold != nil || len(p.runs) != 1 {
			t.Errorf("approved it waits for %v, %d calls", r.Hold, len(p.runs))
		}
		w.options = func(o *fulfill.Options) {
			o.Clients = func() order.ClientRules {
				if len(p.runs) < 2 {
					return order.ClientRules{}
				}
				return blocking
			}
		}
		w.restart()
		w.order(from("pest"))
		if r := w.must(order.StageGenerate); r.Hold == nil || r.Hold.Code != order.CodeClientBlocked {
			t.Errorf("blocked while it was made, it waits for %v", r.Hold)
		}
	})
}

// TestFurtherOrdersOfAClientWait guards the limit on orders in work, and that the owner's
// approval lifts it.
func TestFurtherOrdersOfAClientWait(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.options = func(o *fulfill.Options) {
			o.Clients = func() order.ClientRules { return order.ClientRules{MaxOpen: 1} }
		}
		w.useProvider(&provider{})
		w.order(from("w"))
		time.Sleep(time.Second)
		second := w.order(from("w"))
		w.must(order.StageGenerate)
		w.fails(order.StageGenerate, order.Wait, order.CodeClientOpen)
		w.asOwner(func(o store.Owner) error { return o.Approve(w.t.Context(), second, 0) })
		w.must(order.StageGenerate)
	})
}
