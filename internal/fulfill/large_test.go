package fulfill_test

import (
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func TestNothingIsPaidForAnOrderThatCannotBeReadInFull(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		w.exec("UPDATE orders SET too_large = 1")
		f := w.fails(order.StageGenerate, order.Hold, order.CodeOrderTooLarge)
		if len(w.painter.asked) != 0 || !strings.Contains(f.Hint, "orders cancel "+id) {
			t.Errorf("asked %d times; hint %s", len(w.painter.asked), f.Hint)
		}
	})
}

func TestNoPriceIsLookedForIfTheOrderCannotBeReadInFull(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &pricer{}
		w.reopen(func(s *fulfill.Service) { s.Pricing = &fulfill.Pricing{Command: p} }, quotes)
		w.place("pending_quote")
		w.exec("UPDATE orders SET too_large = 1")
		if w.fails(order.StagePrice, order.Hold, order.CodeOrderTooLarge); p.asked != 0 {
			t.Error("the program was asked")
		}
	})
}

// An order may have grown since the last poll.
func TestNothingIsPaidForAnOrderThatHasBecomeTooLarge(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p, raw := &provider{}, map[string]any{}
		w.useProvider(p)
		w.order(func(n *sandbox.NewOrder) { n.Raw = raw })
		raw["notes"] = strings.Repeat("x", 3<<20)
		w.restart()
		if w.fails(order.StageGenerate, order.Hold, order.CodeOrderTooLarge); len(p.runs) != 0 {
			t.Errorf("%d calls", len(p.runs))
		}
	})
}

func TestAnOrderThatHasBecomeTooLargeIsDelivered(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		raw := map[string]any{}
		id := w.order(func(n *sandbox.NewOrder) { n.Raw = raw })
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		raw["notes"] = strings.Repeat("x", 3<<20)
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryConfirmed || w.delivered(id) != 1 {
			t.Errorf("%+v, delivered %d times", r, w.delivered(id))
		}
	})
}

func TestAThreadThatIsTooLargeHoldsTheOrderUntilTheOwnerRetries(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		if err := w.market.ClientMessage(id, strings.Repeat("x", 9<<20)); err != nil {
			t.Fatal(err)
		}
		f := w.fails(order.StageGenerate, order.Hold, order.CodeThreadTooLarge)
		if len(w.painter.asked) != 0 || !strings.Contains(f.Hint, "orders retry "+id) {
			t.Errorf("asked %d times; hint %s", len(w.painter.asked), f.Hint)
		}
		if err := (store.Owner{Store: w.store}).Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 1 {
			t.Errorf("asked %d times", len(w.painter.asked))
		}
	})
}
