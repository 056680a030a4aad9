package fulfill_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func (w *world) delivery(id string, round int) order.Delivery {
	w.t.Helper()
	d, _, err := w.store.Delivery(w.t.Context(), id, round)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func TestTheIntentIsDurableWhenTheDeliveryArrives(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		var found order.Delivery
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if strings.HasSuffix(r.URL.Path, "/deliver") {
				found = w.delivery(id, 0)
			}
			return sandbox.Fault{}
		}})
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryConfirmed || r.Next != "" {
			t.Errorf("%+v", r)
		}
		o, _ := w.market.Order(id)
		if found.State != order.DeliverySending || len(o.Deliveries) != 1 || found.URLs[0] != o.Deliveries[0].URLs[0] {
			t.Errorf("when the request arrived, the file said %+v; delivered %+v", found, o.Deliveries)
		}
	})
}

func TestADeliveryWhoseAnswerWasLostIsFoundAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, guide := range []bool{false, true} {
		t.Run(fmt.Sprint("guide ", guide), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Guide: guide}, func(t *testing.T, w *world) {
				id := w.uploaded()
				w.scripted("/deliver", sandbox.Fault{After: sandbox.Cut})
				if f := w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer); !f.Outage {
					t.Error("a lost answer counts against the order")
				}
				w.restart()
				if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryConfirmed {
					t.Errorf("%+v", r)
				}
				if n := len(w.sent(sandbox.CallDeliver)); n != 1 || w.delivered(id) != 1 {
					t.Errorf("sent %d times, delivered %d times", n, w.delivered(id))
				}
			})
		})
	}
}

func TestADeliveryThatDidNotArriveIsSentAgainOnlyWhenItCanNoLongerArrive(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.scripted("/deliver", sandbox.Fault{Before: sandbox.Cut})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		start := time.Now()
		for time.Since(start) < settle-time.Millisecond {
			f := w.fails(order.StageDeliver, order.Wait, order.CodeSettling)
			if f.After <= 0 || f.After > 10*time.Second {
				t.Fatalf("looks again in %s", f.After)
			}
			time.Sleep(f.After)
		}
		w.must(order.StageDeliver)
		sent := w.sent(sandbox.CallDeliver)
		if len(sent) != 2 || sent[1].At.Sub(sent[0].At) < settle || w.delivered(id) != 1 {
			t.Errorf("sent %+v, delivered %d times", sent, w.delivered(id))
		}
		if d := w.delivery(id, 0); d.Tries != 2 || d.State != order.DeliveryConfirmed {
			t.Errorf("the record says %+v", d)
		}
	})
}

// The marketplace fetches the files before it answers, and delivers them even if
// the request has timed out.
func TestADeliveryThatArrivesAfterTheTimeoutIsNotSentTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.scripted("/deliver", sandbox.Fault{Slow: settle - 20*time.Second})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		if w.delivered(id) != 0 {
			t.Fatal("it has arrived already")
		}
		for range 100 {
			_, f := w.run(order.StageDeliver)
			if f == nil {
				break
			}
			time.Sleep(max(f.After, time.Second))
		}
		time.Sleep(time.Hour)
		if n := len(w.sent(sandbox.CallDeliver)); n != 1 || w.delivered(id) != 1 {
			t.Errorf("sent %d times, delivered %d times", n, w.delivered(id))
		}
	})
}

func TestAServerErrorIsTakenForALostAnswer(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.scripted("/deliver", sandbox.Fault{After: http.StatusInternalServerError})
		if f := w.fails(order.StageDeliver, order.Retry, order.CodeServerError); !f.Outage {
			t.Error("an outage counts against the order")
		}
		w.must(order.StageDeliver)
		if w.delivered(id) != 1 {
			t.Errorf("delivered %d times", w.delivered(id))
		}
	})
}

func TestWhatSomebodyElseHasDeliveredIsNotDeliveredOver(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		if err := w.deliverByHand(id); err != nil {
			t.Fatal(err)
		}
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryElsewhere {
			t.Errorf("%+v", r)
		}
		if w.delivered(id) != 1 || w.delivery(id, 0).State != order.DeliveryElsewhere {
			t.Errorf("delivered %d times, recorded as %+v", w.delivered(id), w.delivery(id, 0))
		}
	})
}

func TestACancelledOrderIsNotDelivered(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageDeliver, order.Wait, order.CodeEnded)
		if n := len(w.sent(sandbox.CallDeliver)); n != 0 || w.delivery(id, 0).Tries != 0 {
			t.Errorf("sent %d times, recorded as %+v", n, w.delivery(id, 0))
		}
	})
}

func TestARefusedKeyIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, stage := range []order.Stage{order.StageUpload, order.StageDeliver} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				if stage == order.StageDeliver {
					w.uploaded()
				} else {
					w.order()
					w.must(order.StageGenerate)
				}
				if _, err := w.market.RotateKey(w.agent); err != nil {
					t.Fatal(err)
				}
				if f := w.fails(stage, order.Wait, order.CodeKeyRefused); f.After < time.Minute {
					t.Errorf("%s tries again in %s", stage, f.After)
				}
			})
		})
	}
}

func TestWhereSingleOrdersCannotBeReadTheListIs(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Guide: true}, func(t *testing.T, w *world) {
		id := w.uploaded()
		before := len(w.sent(sandbox.CallOrders))
		w.must(order.StageDeliver)
		if n := len(w.sent(sandbox.CallOrders)) - before; n != 1 || w.delivered(id) != 1 {
			t.Errorf("the list was read %d times, delivered %d times", n, w.delivered(id))
		}
	})
}

func TestAnOrderThatIsNotListedIsNotDelivered(t *testing.T) {
	t.Parallel()
	for _, guide := range []bool{false, true} {
		t.Run(fmt.Sprint("guide ", guide), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Guide: guide}, func(t *testing.T, w *world) {
				id := w.uploaded()
				if err := w.market.Vanish(id); err != nil {
					t.Fatal(err)
				}
				w.fails(order.StageDeliver, order.Wait, order.CodeNotListed)
				if n := len(w.sent(sandbox.CallDeliver)); n != 0 {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

func TestARefusedDeliveryIsHeldWithTheMarketplacesWords(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files, w.painter.url, w.painter.kind, w.kind = 0, "https://a.test/x.pdf", "hologram", ""
		w.restart()
		id := w.order()
		if r := w.must(order.StageGenerate); r.Next != order.StageDeliver {
			t.Fatalf("a link has nothing to upload: %+v", r)
		}
		f := w.fails(order.StageDeliver, order.Hold, order.CodeRejected)
		if !strings.Contains(f.Error(), "deliverable_media_type") || !strings.Contains(f.Hint, "orders retry "+id) {
			t.Errorf("%v, hint %q", f, f.Hint)
		}
		if d := w.delivery(id, 0); d.State != order.DeliveryRefused {
			t.Errorf("recorded as %+v", d)
		}
	})
}

func TestWithoutABudgetNothingIsIntended(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.limits.Ceilings[order.RequestDeliver] = 1
		w.restart()
		w.uploaded()
		w.must(order.StageDeliver)
		second := w.uploaded()
		if f := w.fails(order.StageDeliver, order.Wait, order.CodeBudget); f.After < 30*time.Minute {
			t.Errorf("waits %s", f.After)
		}
		if d := w.delivery(second, 0); d.Tries != 0 {
			t.Errorf("recorded as %+v", d)
		}
	})
}

func TestADeliveryThatCouldNotBeSentIsSentWithoutWaiting(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		// The look reaches the marketplace, the delivery does not.
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			w.net.Refuse.Store(strings.HasSuffix(r.URL.Path, "/orders/"+id))
			return sandbox.Fault{}
		}})
		if f := w.fails(order.StageDeliver, order.Retry, order.CodeUnreachable); !f.Outage {
			t.Error("an outage counts against the order")
		}
		if d := w.delivery(id, 0); d.State != order.DeliveryRefused {
			t.Errorf("recorded as %+v", d)
		}
		w.net.Refuse.Store(false)
		w.market.SetFaults(sandbox.Faults{})
		w.must(order.StageDeliver)
		if w.delivered(id) != 1 {
			t.Errorf("delivered %d times", w.delivered(id))
		}
	})
}

func TestAfterTooManySendsWithoutAnAnswerTheOwnerIsAsked(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.tries = 3
		w.restart()
		w.uploaded()
		w.scripted("/deliver", sandbox.Fault{Before: 500}, sandbox.Fault{Before: 500}, sandbox.Fault{Before: 500}, sandbox.Fault{Before: 500})
		for range 3 {
			w.fails(order.StageDeliver, order.Retry, order.CodeServerError)
			time.Sleep(settle)
		}
		w.fails(order.StageDeliver, order.Hold, order.CodeNeverArrived)
		if n := len(w.sent(sandbox.CallDeliver)); n != 3 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestARoundThatWasSentBackIsDeliveredOnceMore(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.RequestRevision(id, "bluer"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		o, _ := w.market.Order(id)
		if len(o.Deliveries) != 2 || o.Deliveries[1].Round != 1 || o.Deliveries[0].URLs[0] == o.Deliveries[1].URLs[0] {
			t.Errorf("%+v", o.Deliveries)
		}
		asked := w.painter.asked[1]
		if asked.Round != 1 || len(asked.PreviousDeliverables) != 1 || asked.PreviousDeliverables[0] != o.Deliveries[0].URLs[0] {
			t.Errorf("the generator was asked for %+v", asked)
		}
	})
}

func TestALostLeaseStopsTheDeliveryBeforeItIsSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		j := w.lease(order.StageDeliver)
		w.restart() // frees the lease
		if _, err := w.f.Run(t.Context(), j); order.Classify(t.Context(), err).Class != order.Lost {
			t.Errorf("%v", err)
		}
		if w.delivered(id) != 0 {
			t.Error("delivered without a lease")
		}
	})
}
