package fulfill_test

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAnAttemptThatIsMadeAgainHasOneCap(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Attempt: 2 * price}
		cut := answer{"", fails(order.Stopped, order.CodeStopped, order.ChargePending)}
		p := &provider{answers: []answer{cut, cut, cut, cut}}
		w.useProvider(p)
		id := w.order()
		for range 2 {
			w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
			w.restart()
		}
		w.fails(order.StageGenerate, order.Hold, order.CodeAttemptCap)
		w.retry(id) // which is the owner's word for another attempt
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		w.restart()
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		time.Sleep(time.Minute)
		w.cancel(id) // which no attempt has ended by
		w.retry(id)
		w.must(order.StageGenerate)
		if len(p.runs) != 5 {
			t.Errorf("%d calls", len(p.runs))
		}
	})
}

func TestWhatCostsNothingIsStoppedByNoCap(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Day: price}
		dear := fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)
		dear.Cost = 2 * price // as the provider tells afterwards
		p := &provider{answers: []answer{{"", dear}}}
		w.useProvider(p)
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		w.service = func(s *fulfill.Service) {
			s.Generators = []fulfill.Generator{{Name: "local", Backend: p.painter, Free: true}}
		}
		w.fails(order.StageGenerate, order.Wait, order.CodeDayCap)
		w.restart()
		w.must(order.StageGenerate)
		if told, err := w.store.Fact(t.Context(), string(order.AlertSpending.Code())); err != nil || told == "" {
			t.Errorf("the alert about the cap is gone: %v", err)
		}
	})
}

func TestNoCallGoesBeyondACap(t *testing.T) {
	t.Parallel()
	lost := answer{"", fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)}
	for name, c := range map[string]struct {
		caps  order.Caps
		class order.Class
		code  order.Code
		calls int
	}{
		"an attempt":         {order.Caps{Attempt: price - 1}, order.Hold, order.CodeAttemptCap, 0},
		"an order":           {order.Caps{Order: 2*price + 1}, order.Hold, order.CodeOrderCap, 2},
		"exactly":            {order.Caps{Order: 3 * price}, order.Hold, order.CodeOrderCap, 3},
		"a share of the net": {order.Caps{Percent: 5}, order.Hold, order.CodeOrderCap, 2}, // 5 % of 4.50 is 0.225
		"a day":              {order.Caps{Day: 2 * price}, order.Wait, order.CodeDayCap, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.caps = c.caps
				p := &provider{answers: []answer{lost, lost, lost, lost}}
				w.useProvider(p)
				id := w.order()
				for range c.calls {
					w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
				}
				f := w.fails(order.StageGenerate, c.class, c.code)
				if len(p.runs) != c.calls || w.spent(id) != order.USD(c.calls)*price {
					t.Errorf("%d calls, spent %s", len(p.runs), w.spent(id))
				}
				if c.class == order.Wait && f.After != time.Hour {
					t.Errorf("it waits %s", f.After)
				}
			})
		})
	}
}

func TestTheNextDayHasItsOwnCapAndTheOwnerIsNotified(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Day: price}
		w.useProvider(&provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)}}})
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
		w.fails(order.StageGenerate, order.Wait, order.CodeDayCap)
		if told, err := w.store.Fact(t.Context(), string(order.AlertSpending.Code())); err != nil || !strings.Contains(told, "today's cap") {
			t.Errorf("the owner is told %q, %v", told, err)
		}
		time.Sleep(24 * time.Hour)
		w.must(order.StageGenerate)
		if told, _ := w.store.Fact(t.Context(), string(order.AlertSpending.Code())); told != "" {
			t.Errorf("the owner is still told %q", told)
		}
	})
}

// TestASecondRestoreUsesUpTheCapOfItsDay guards that a restore is noticed on its own
// day while the owner has not accepted an earlier one.
func TestASecondRestoreUsesUpTheCapOfItsDay(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Day: 10 * price}
		w.useProvider(&provider{answers: []answer{{}}})
		w.order()
		for range 2 {
			if err := w.store.WantReconcile("a copy was put back"); err != nil {
				t.Fatal(err)
			}
			w.fails(order.StageGenerate, order.Wait, order.CodeDayCap)
			time.Sleep(25 * time.Hour)
			w.poll()
		}
	})
}
