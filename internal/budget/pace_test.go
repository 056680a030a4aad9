package budget_test

import (
	"context"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestIdlePollsComeEachIntervalUntilTheReserve(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		const interval = 3 * time.Minute
		for n := range 19 {
			if got := d.budget.PollDelay(t.Context(), interval); n > 0 && got != interval {
				t.Fatalf("after %d idle polls the next comes in %s", n, got)
			}
			d.send(t, order.RequestPoll, fine)
			time.Sleep(interval)
		}
	})
}

func TestAShortIntervalIsStretchedSoThatTheReserveIsKept(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		start, polls := time.Now(), 0
		for time.Since(start) < 59*time.Minute {
			d.send(t, order.RequestPoll, fine)
			polls++
			time.Sleep(d.budget.PollDelay(t.Context(), 10*time.Second))
		}
		if polls < 20 || polls > 30-w.limits.Reserve {
			t.Errorf("%d polls in a window of 30, of which %d are reserved", polls, w.limits.Reserve)
		}
	})
}

func TestWithSeparateCountsPollsComeEachInterval(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		if err := d.store.SetFact("budget.counts", "separate"); err != nil {
			t.Fatal(err)
		}
		d.stop()
		d = w.open()
		for range 29 {
			d.send(t, order.RequestPoll, fine)
			d.send(t, order.RequestDeliver, fine)
		}
		if got := d.budget.PollDelay(t.Context(), time.Minute); got != time.Minute {
			t.Errorf("the next poll comes in %s", got)
		}
	})
}

// addOrders places n orders and writes them to the store, each with its job.
func (d *daemon) addOrders(t *testing.T, w *world, n int) {
	t.Helper()
	w.place(n)
	listing, err := d.client.Orders(context.Background(), order.LiveStatuses())
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.store.Apply(order.Batch{Listing: listing, Mark: 1 << 60, Decide: func(k order.Known, _ order.Facts) order.Decision {
		if k.Exists {
			return order.Decision{State: k.State}
		}
		return order.Decision{State: order.StateWorking, Service: title, DueAt: time.Now().Add(time.Hour), Jobs: order.JobsOpen}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBusyPollsAreStretchedButNeverBeyondAQuarterOfAWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.addOrders(t, w, 3)
		few := d.budget.PollDelay(t.Context(), time.Minute)
		d.addOrders(t, w, 20)
		many := d.budget.PollDelay(t.Context(), time.Minute)
		if few <= time.Minute || many != 15*time.Minute {
			t.Errorf("with 3 orders a poll each %s, with 23 each %s; want more than the interval, and a quarter of a window", few, many)
		}
		if got := d.budget.PollDelay(t.Context(), 20*time.Minute); got != 20*time.Minute {
			t.Errorf("an interval of 20 minutes became %s", got)
		}
	})
}

func TestARushInTheLastWindowStretchesThePollsOfThisOne(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.send(t, order.RequestPoll, fine)
		time.Sleep(10 * time.Minute)
		d.addOrders(t, w, 14)
		// They are completed before the next window, which begins with a poll.
		if _, err := d.store.Apply(order.Batch{Complete: true, Mark: 1 << 60, Vanished: func(order.Known) order.Decision {
			return order.Decision{State: order.StateCompleted, Jobs: order.JobsClose}
		}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(51 * time.Minute)
		d.send(t, order.RequestPoll, fine)
		rush := d.budget.PollDelay(t.Context(), time.Minute)
		time.Sleep(3 * time.Hour)
		d.send(t, order.RequestPoll, fine)
		quiet := d.budget.PollDelay(t.Context(), time.Minute)
		if rush != 15*time.Minute || quiet >= 3*time.Minute {
			t.Errorf("after a rush a poll in %s, hours later in %s", rush, quiet)
		}
	})
}

func TestAPendingDeliveryHoldsAnUploadBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		d.addOrders(t, w, 1)
		// In the store its file is uploaded and its delivery is pending.
		turn, err := d.store.Turn(nil, order.LaneGenerate, true, time.Hour)
		if err != nil || turn.Job == nil {
			t.Fatalf("no job: %v", err)
		}
		if _, err := d.store.Turn(&order.Done{Job: *turn.Job, Result: order.Result{
			Next:      order.StageDeliver,
			Artifacts: []order.Artifact{{URL: "https://a.test/x.png", Media: "image"}},
		}}, order.LaneGenerate, false, 0); err != nil {
			t.Fatal(err)
		}
		for d.budget.Wait(t.Context(), order.RequestUpload) == 0 {
			d.send(t, order.RequestMessage, fine)
		}
		if got := d.refused(t, order.RequestUpload); got == 0 || got > time.Minute {
			t.Errorf("an upload waits %s", got)
		}
		if got := d.refused(t, order.RequestDeliver); got != 0 {
			t.Errorf("the delivery itself waits %s", got)
		}
		if list, _ := d.store.Windows(t.Context()); len(list) == 0 || used(list, "all") != 30 {
			t.Errorf("%d of 30 used: the upload was kept back for more than the delivery", used(list, "all"))
		}
	})
}

func TestAnUploadUnderWayHoldsTheNextOneBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		for range 28 {
			d.send(t, order.RequestQuote, fine)
		}
		if _, err := d.budget.Take(t.Context(), order.RequestUpload, "a"); err != nil {
			t.Fatal(err)
		}
		// One request is left, and order a needs it.
		if _, err := d.budget.Take(t.Context(), order.RequestUpload, "b"); err == nil {
			t.Error("an upload took what a delivery needs")
		}
		if _, err := d.budget.Take(t.Context(), order.RequestDeliver, "a"); err != nil {
			t.Errorf("the delivery itself: %v", err)
		}
		time.Sleep(2 * time.Hour)
		for range 29 {
			d.send(t, order.RequestQuote, fine)
		}
		if _, err := d.budget.Take(t.Context(), order.RequestUpload, "b"); err != nil {
			t.Errorf("the last request, with nothing under way: %v", err)
		}
	})
}

// An order that was uploaded and never delivered must not keep room for its delivery
// after the end of the window.
func TestAnUploadOfTheLastWindowHoldsNothingBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := w.open()
		if _, err := d.budget.Take(t.Context(), order.RequestUpload, "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		for range 29 {
			d.send(t, order.RequestQuote, fine)
		}
		if _, err := d.budget.Take(t.Context(), order.RequestUpload, "b"); err != nil {
			t.Error(err)
		}
	})
}

func used(list []order.Window, scope string) int {
	for _, w := range list {
		if w.Scope == scope {
			return w.Used
		}
	}
	return -1
}
