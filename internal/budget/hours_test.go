package budget_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// wantHours is what each of the first windows of the marketplace must show.
type wantHours struct {
	windows     int
	least, most int // deliveries in a window
}

func (want wantHours) check(w *world) {
	w.t.Helper()
	hours := w.hours()
	if len(hours) < want.windows {
		w.t.Fatalf("only %d windows", len(hours))
	}
	for i, h := range hours[:want.windows] {
		if h.delivered < want.least || h.delivered > want.most || h.refused > 2 {
			w.t.Errorf("window %d: %s; want %d to %d delivered and at most 2 refused", i+1, h, want.least, want.most)
		}
	}
}

// A shared count of 30 is enough for 14 orders in a window: one poll that finds them
// all, then an upload and a delivery for each. A fifteenth is possible if its file
// was uploaded in the window before.
func TestASharedCountAllowsTwelveDeliveriesAWindowAtAnOrderEachFourMinutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ interval, offset time.Duration }{
		{time.Minute, 0},
		{time.Minute, 230 * time.Second},
		{150 * time.Second, 2 * time.Minute},
		{5 * time.Minute, 0},
		{5 * time.Minute, 230 * time.Second},
	} {
		t.Run(fmt.Sprintf("polls each %s, orders from %s on", c.interval, c.offset), func(t *testing.T) {
			t.Parallel()
			dir := storetest.Dir(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir, sandbox.Options{})
				w.interval = c.interval
				w.start()
				time.Sleep(c.offset)
				for range 3 * 15 {
					w.place(1)
					time.Sleep(4 * time.Minute)
				}
				time.Sleep(2 * time.Minute)
				wantHours{windows: 3, least: 12, most: 15}.check(w)
			})
		})
	}
}

func TestASharedCountAllowsFourteenDeliveriesAWindowOfABacklog(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, sandbox.Options{})
		w.place(60)
		w.start()
		time.Sleep(3*time.Hour + time.Minute)
		wantHours{windows: 3, least: 14, most: 15}.check(w)
	})
}

func TestSeparateCountsAllowThirtyDeliveriesAWindow(t *testing.T) {
	t.Parallel()
	for _, guide := range []bool{false, true} {
		t.Run(fmt.Sprintf("guide=%t", guide), func(t *testing.T) {
			t.Parallel()
			dir := storetest.Dir(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir, sandbox.Options{Guide: guide, Separate: true})
				// The counts are learned in the first window; the second shows the effect.
				w.place(65)
				w.start()
				time.Sleep(2*time.Hour + time.Minute)
				wantHours{windows: 2, least: 29, most: 30}.check(w)
			})
		})
	}
}

func TestTheLastRequestsOfASharedCountAreForDeliveries(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, sandbox.Options{})
		// The workers would use the rest of the window for uploads, if an upload did
		// not leave room for the deliveries that follow.
		w.place(15)
		w.start()
		time.Sleep(10 * time.Minute)
		delivered, uploaded := 0, 0
		for _, r := range w.market.Requests() {
			switch {
			case r.Status != http.StatusOK:
			case r.Call == sandbox.CallDeliver:
				delivered++
			case r.Call == sandbox.CallUpload:
				uploaded++
			}
		}
		if delivered != 14 || uploaded > 15 {
			t.Errorf("%d delivered and %d uploaded of a count of 30", delivered, uploaded)
		}
	})
}

// The daemon polls as soon as it starts, so a supervisor that restarts a failing
// daemon makes it poll at each start.
func TestARestartLoopKeepsTheReserve(t *testing.T) {
	t.Parallel()
	for _, separate := range []bool{true, false} {
		t.Run(fmt.Sprintf("separate=%t", separate), func(t *testing.T) {
			t.Parallel()
			dir := storetest.Dir(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir, sandbox.Options{Separate: separate})
				for range 28 {
					d := w.open()
					// The budget refuses some of these. The marketplace's log shows which were sent.
					d.client.Orders(t.Context(), order.LiveStatuses())
					d.stop()
					time.Sleep(2 * time.Minute)
				}
				h := w.hours()[0]
				if h.counted < 15 || h.counted > 30-w.limits.Reserve || h.refused != 0 {
					t.Errorf("%s; a reserve of %d was to be left", h, w.limits.Reserve)
				}
			})
		})
	}
}

// crashing is the meter of a process that ends before any answer arrives.
type crashing struct{ *budget.Budget }

func (c crashing) Take(ctx context.Context, call order.RequestKind, orderID string) (func(order.Answer), error) {
	_, err := c.Budget.Take(ctx, call, orderID)
	return func(order.Answer) {}, err
}

func TestACrashLosesNoCountedRequest(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, sandbox.Options{})
		w.limits.Reserve = 0
		for range 12 {
			d := w.open()
			d.client.Meter = crashing{d.budget}
			for range 3 {
				d.client.Orders(t.Context(), order.LiveStatuses())
			}
			d.stop()
			time.Sleep(2 * time.Second)
		}
		if h := w.hours()[0]; h.counted != 30 || h.refused != 0 {
			t.Errorf("%s; want all 30 and no refusal", h)
		}
	})
}
