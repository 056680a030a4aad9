package fulfill_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// fellBack is an order of another agent that is delivered and then set back to paid
// by its payout.
func (w *world) fellBack() string {
	w.t.Helper()
	id, err := w.market.PlaceOrder(sandbox.NewOrder{
		ServiceTitle: title, Brief: "a fox", Price: "5.00",
		ClientType: "agent_x402", PaymentChain: "solana",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	for _, s := range []order.Stage{order.StageGenerate, order.StageUpload, order.StageDeliver} {
		w.must(s)
	}
	if err := w.market.ConfirmPayout(id); err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	return id
}

// settled checks that the first delivery is recorded as it was, and returns the
// redeliveries.
func (w *world) settled(id string) []order.DeliveryState {
	w.t.Helper()
	h, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(h.Deliveries) != 1 || h.Deliveries[0].State != order.DeliveryConfirmed || h.Deliveries[0].Tries != 1 {
		w.t.Errorf("the first delivery is %+v", h.Deliveries)
	}
	var states []order.DeliveryState
	for _, r := range h.Redeliveries {
		states = append(states, r.State)
	}
	return states
}

func (w *world) expectOrder(id string, deliveries int, status string) {
	w.t.Helper()
	o, _ := w.market.Order(id)
	if len(o.Deliveries) != deliveries || o.Status != status {
		w.t.Errorf("%d deliveries, %s; want %d, %s", len(o.Deliveries), o.Status, deliveries, status)
	}
}

func TestAnOrderThatFallsBackToPaidIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.fellBack()
		w.restart()
		w.must(order.StageDeliver)
		w.poll()
		w.expectOrder(id, 2, "delivered")
		if o, _ := w.market.Order(id); o.Deliveries[0].URLs[0] != o.Deliveries[1].URLs[0] {
			t.Errorf("other files are delivered: %+v", o.Deliveries)
		}
		if again := w.settled(id); len(again) != 1 || again[0] != order.DeliveryConfirmed {
			t.Errorf("the redeliveries are %q", again)
		}
		if len(w.painter.asked) != 1 {
			t.Errorf("the files are made %d times", len(w.painter.asked))
		}
	})
}

func TestARedeliveryWithoutAnAnswerIsFoundByTheStatus(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.fellBack()
		w.posts("/deliver", sandbox.Fault{After: sandbox.Cut})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		w.restart()
		w.poll()
		w.must(order.StageDeliver)
		w.expectOrder(id, 2, "delivered")
		if again := w.settled(id); len(again) != 1 || again[0] != order.DeliveryConfirmed {
			t.Errorf("the redeliveries are %q", again)
		}
	})
}

func TestARedeliveryThatNeverArrivedIsSentAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.fellBack()
		w.posts("/deliver", sandbox.Fault{Before: sandbox.Cut})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		w.fails(order.StageDeliver, order.Wait, order.CodeSettling)
		w.poll()
		time.Sleep(settle)
		w.must(order.StageDeliver)
		w.expectOrder(id, 2, "delivered")
		w.settled(id)
	})
}

func TestAnOrderThatFallsBackAThirdTimeIsHeld(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.fellBack()
		for range order.MaxAgain {
			w.must(order.StageDeliver)
			if err := w.market.SetStatus(id, "paid"); err != nil {
				t.Fatal(err)
			}
			w.poll()
		}
		o, err := w.store.Order(t.Context(), id)
		if err != nil || o.State != order.StateHeld || o.Code != order.CodeNotShown {
			t.Errorf("it is %s (%s), %v", o.State, o.Code, err)
		}
		w.expectOrder(id, 1+order.MaxAgain, "paid")
	})
}

func TestARedeliveryThatIsNoLongerNeededIsNotSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.fellBack()
		if err := w.market.SetStatus(id, "delivered"); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageDeliver)
		w.expectOrder(id, 1, "delivered")
		if again := w.settled(id); len(again) != 1 || again[0] != order.DeliveryDropped {
			t.Errorf("the redeliveries are %q", again)
		}
	})
}

func TestWithoutItsFilesAPaidOrderIsNotDeliveredAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Guide: true}, func(t *testing.T, w *world) { // which shows no files
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.SetStatus(id, "paid"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.fails(order.StageDeliver, order.Hold, order.CodeNotShown)
		w.poll()
		w.expectOrder(id, 1, "paid")
		if err := w.market.SetStatus(id, "delivered"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if o, err := w.store.Order(t.Context(), id); err != nil || o.State != order.StateDelivered {
			t.Errorf("it is %s, %v", o.State, err)
		}
		w.settled(id)
	})
}

// replaced is a delivered order whose files the owner replaces by a file.
func (w *world) replaced() (id, file string) {
	w.t.Helper()
	id = w.uploaded()
	w.must(order.StageDeliver)
	w.poll()
	file = filepath.Join(w.t.TempDir(), "right.png")
	if err := os.WriteFile(file, append(slices.Clone(picture), "the right one"...), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.asOwner(func(o store.Owner) error {
		return o.Resubmit(w.t.Context(), id, func(round int) error { return fulfill.PutFiles(w.dir, id, round, []string{file}) })
	})
	w.poll() // a listing that says delivered
	return id, file
}

func TestTheOwnerReplacesAWrongFileOfADeliveredOrder(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"at once": {}, "with a lost answer": {After: sandbox.Cut}, "that did not arrive": {Before: sandbox.Cut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id, _ := w.replaced()
				w.must(order.StageGenerate)
				w.must(order.StageUpload)
				w.posts("/deliver", fault)
				if fault != (sandbox.Fault{}) {
					w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
					w.restart()
					time.Sleep(settle)
				}
				w.must(order.StageDeliver)
				w.poll()
				w.expectOrder(id, 2, "delivered")
				o, _ := w.market.Order(id)
				if len(o.Deliverables) != 1 || o.Deliverables[0].URL != o.Deliveries[1].URLs[0] || o.Deliveries[0].URLs[0] == o.Deliveries[1].URLs[0] {
					t.Errorf("the client sees %+v after %+v", o.Deliverables, o.Deliveries)
				}
				if again := w.settled(id); len(again) != 1 || again[0] != order.DeliveryConfirmed {
					t.Errorf("the redeliveries are %q", again)
				}
				if n := len(w.painter.asked); n != 1 {
					t.Errorf("the generator was asked %d times", n)
				}
			})
		})
	}
}

func TestFilesThatAreReplacedStayHeldForTheOwner(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id, file := w.replaced()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		w.must(order.StageGenerate)
		if err := os.RemoveAll(filepath.Join(w.dir, "artifacts")); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageUpload, order.Hold, order.CodeFileGone)
		w.poll()
		if o, err := w.store.Order(t.Context(), id); err != nil || o.State != order.StateHeld || o.Code != order.CodeFileGone {
			t.Errorf("it is %s (%s), %v", o.State, o.Code, err)
		}
	})
}

func TestWhatTheClientHasSentBackIsNotReplaced(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.Dispute(id, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		o, err := store.OpenOwner(w.dir, "cli:test")
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		if err := o.Resubmit(t.Context(), id, func(int) error { return nil }); err == nil {
			t.Error("its files are replaced")
		}
	})
}

func TestAWindowThatFallsBackToPaidIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 1)
		w.piece()
		time.Sleep(week - margin)
		w.must(order.StageDeliver)
		w.must(order.StageSend)
		for range order.MaxAgain {
			if err := w.market.SetStatus(id, "paid"); err != nil {
				t.Fatal(err)
			}
			w.poll()
			w.must(order.StageDeliver)
		}
		if err := w.market.SetStatus(id, "paid"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if o, err := w.store.Order(t.Context(), id); err != nil || o.Code != order.CodeNotShown {
			t.Errorf("it is %s (%s), %v", o.State, o.Code, err)
		}
		w.asOwner(func(o store.Owner) error { return o.Resubmit(t.Context(), id, nil) })
		w.must(order.StageDeliver)
		w.expectOrder(id, 4, "delivered")
		w.settled(id)
	})
}

func TestAReplacementIsDroppedWhenTheClientSendsTheOrderBack(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id, _ := w.replaced()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		if err := w.market.Dispute(id, "no"); err != nil {
			t.Fatal(err)
		}
		if r := w.must(order.StageDeliver); r.Redelivery != order.DeliveryDropped {
			t.Errorf("it ends as %+v", r)
		}
		w.expectOrder(id, 1, "disputed")
	})
}
