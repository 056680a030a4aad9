package intake_test

import (
	"fmt"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// polls returns the number of listings that the marketplace was asked for.
func (w *world) polls() (n int) {
	for _, r := range w.market.Requests() {
		if r.Call == sandbox.CallOrders {
			n++
		}
	}
	return n
}

func TestAnEventReadsItsOrderAtOnceWithoutAPoll(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(time.Second)
		before := w.polls()
		id := w.place(nil)
		w.poller.Event("order.paid", id)
		time.Sleep(10 * time.Second)
		if o := w.state(id); o.State != order.StateWorking {
			t.Errorf("ten seconds after its event the order is %q", o.State)
		}
		if n := w.polls() - before; n != 0 {
			t.Errorf("%d polls were spent on it", n)
		}
	})
}

func TestAFloodOfEventsCostsNoMorePollsThanUsual(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		for i := range 20 * 60 {
			for j := range 3 {
				w.poller.Event("order.paid", fmt.Sprintf("ord_unknown_%d_%d", i, j))
			}
			time.Sleep(time.Second)
		}
		if n := w.polls(); n > 10 {
			t.Errorf("a flood led to %d polls in twenty minutes", n)
		}
		looks := 0
		for _, r := range w.market.Requests() {
			if r.Call == sandbox.CallRead {
				looks++
			}
		}
		if looks > 20*60/5*2 {
			t.Errorf("a flood led to %d reads of single orders in twenty minutes", looks)
		}
	})
}

func TestPollingIsSlowWhileWebhooksArrive(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		for range 6 { // an hour of events
			w.poller.Event("order.message", w.place(nil))
			time.Sleep(10 * time.Minute)
		}
		if n := w.polls(); n > 8 {
			t.Errorf("%d polls in an hour of events, want one in 15 minutes", n)
		}
		before := w.polls()
		time.Sleep(3 * time.Hour) // silence
		if n := w.polls() - before; n < 30 {
			t.Errorf("%d polls in three hours of silence", n)
		}
	})
}

func TestAnUnannouncedOrderEndsTheTrustInWebhooks(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		w.poller.Event("order.paid", w.place(nil))
		time.Sleep(time.Minute)
		if alive, _ := w.poller.Alive(); !alive {
			t.Fatal("webhooks are not alive after one came")
		}
		w.place(nil) // and no event
		time.Sleep(16 * time.Minute)
		if alive, _ := w.poller.Alive(); alive {
			t.Error("webhooks are still relied on")
		}
		if n := w.log.count("a change came without a webhook"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
	})
}

func TestAnEventWithoutAnOrderDoesNotDelayTheNextOne(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(time.Second)
		w.poller.Event("bounty.claim_rejected", "")
		time.Sleep(time.Second)
		id := w.place(nil)
		w.poller.Event("order.paid", id)
		began := time.Now()
		for w.state(id).State != order.StateWorking && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the order is worked on %s after its event", took)
		}
	})
}

func TestAFailedPollIsTriedAgainAtTheNormalInterval(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(time.Second)
		w.poller.Event("order.message", w.place(nil)) // webhooks are relied on
		time.Sleep(20 * time.Minute)
		w.market.SetDown(true)
		id := w.place(nil)
		w.poller.Event("order.paid", id)
		time.Sleep(3 * time.Minute)
		w.market.SetDown(false)
		began := time.Now()
		for w.state(id).State != order.StateWorking && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 4*time.Minute {
			t.Errorf("the order is worked on %s after the end of a short outage", took)
		}
	})
}

func TestAnUnannouncedChangeOfAnAnnouncedOrderEndsTheTrustInWebhooks(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		id := w.place(nil)
		w.poller.Event("order.paid", id)
		time.Sleep(17 * time.Minute) // at least one poll has seen it since
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Minute)
		if got := w.state(id).Status; got != order.Cancelled {
			t.Fatalf("it is %s", got)
		}
		if alive, _ := w.poller.Alive(); alive {
			t.Error("webhooks are relied on after a change without one")
		}
	})
}

func TestAnOrderSentBackBeforeItsDeliveryIsRecordedIsReadAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(time.Second)
		id := w.place(nil)
		w.poller.Event("order.paid", id)
		time.Sleep(10 * time.Second)
		turn := func(done *order.Done, lane order.Lane) *order.Job {
			next, err := w.store.Turn(done, lane, true, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return next.Job
		}
		const file = "https://files.test/1.png"
		job := turn(nil, order.LaneGenerate)
		job = turn(&order.Done{Job: *job, Result: order.Result{Next: order.StageDeliver}}, order.LaneNetwork)
		if err := w.store.Intend(*job, []string{file}); err != nil {
			t.Fatal(err)
		}
		if err := w.client.Deliver(t.Context(), id, []atelier.Deliverable{{URL: file, Media: "image"}}); err != nil {
			t.Fatal(err)
		}
		// The client is faster than the commit of the delivery.
		if err := w.market.Dispute(id, "more red"); err != nil {
			t.Fatal(err)
		}
		w.poller.Event("order.disputed", id)
		time.Sleep(10 * time.Second)
		turn(&order.Done{Job: *job, Result: order.Result{Delivery: order.DeliveryConfirmed}}, order.LaneNetwork)
		time.Sleep(20 * time.Second)
		if o := w.state(id); o.Round != 1 {
			t.Errorf("half a minute after its event the order is in round %d", o.Round)
		}
	})
}
