package intake_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAPollStoresEveryOrderAndIsIdempotent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Faults: sandbox.Faults{Shapes: true}}, func(t *testing.T, w *world) {
		paid, quote := w.place(nil), w.place(func(n *sandbox.NewOrder) { n.Status = "pending_quote" })
		foreign := w.place(func(n *sandbox.NewOrder) { n.ServiceTitle = "Sculptures" })
		for range 3 {
			w.poll()
		}
		for id, want := range map[string]order.State{paid: order.StateWorking, quote: order.StateHeld, foreign: order.StateHeld} {
			if got := w.state(id); got.State != want {
				t.Errorf("%s is %s (%s), want %s", id, got.State, got.Code, want)
			}
		}
		if _, total, err := w.store.PendingSends(t.Context()); err != nil || total != 1 {
			t.Errorf("%d jobs, %v", total, err)
		}
	})
}

// wanted reports for each poll whether it asked for completed orders too.
func (w *world) wanted() (list []bool) {
	for _, r := range w.market.Requests() {
		list = append(list, strings.Contains(r.Path, "completed"))
	}
	return list
}

func TestEveryStatusIsAskedForAtTheStartThenEachSixHoursAndWhenAnOrderIsMissing(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.poll()
		w.poll()
		if got := w.wanted(); !got[0] || got[1] {
			t.Errorf("at the start: %v", got)
		}
		if err := w.market.SetStatus(id, "delivered"); err != nil {
			t.Fatal(err)
		}
		if err := w.market.Approve(id); err != nil {
			t.Fatal(err)
		}
		w.poll() // does not find it
		if got := w.state(id).State; got != order.StateWorking {
			t.Errorf("an order that left the list of open ones is %s", got)
		}
		w.poll()
		w.poll()
		if got := w.wanted()[2:]; got[0] || !got[1] || got[2] {
			t.Errorf("after one went missing: %v", got)
		}
		if got := w.state(id); got.State != order.StateCompleted {
			t.Errorf("it is %s", got.State)
		}
		time.Sleep(6*time.Hour - time.Second)
		w.poll()
		time.Sleep(time.Second)
		w.poll()
		w.poll()
		if got := w.wanted()[5:]; got[0] || !got[1] || got[2] {
			t.Errorf("six hours later: %v", got)
		}
	})
}

func TestAVanishedOrderIsHeldAndResumesWhenItComesBack(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		// A raw row, because an order of the sandbox cannot come back.
		id := "ord_raw"
		row := `{"id":"ord_raw","status":"paid","service_title":"Pictures","created_at":"2000-01-01 00:00:00"}`
		w.apply(t, row)
		w.poll() // complete, as the first one is
		if got := w.state(id); got.State != order.StateHeld || got.Code != order.CodeVanished || got.MissingAt.IsZero() {
			t.Errorf("it is %s (%s), missing since %s", got.State, got.Code, got.MissingAt)
		}
		w.poll()
		w.poll()
		if got := w.wanted(); got[1] || got[2] {
			t.Errorf("an order that is known to be missing is asked for at each poll: %v", got)
		}
		if err := w.market.AddRawRow([]byte(row)); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if got := w.state(id); got.State != order.StateWorking || got.Code != "" || !got.MissingAt.IsZero() {
			t.Errorf("back, it is %s (%s), missing since %s", got.State, got.Code, got.MissingAt)
		}
	})
}

// TestAVanishedQuoteIsHeldAndResumesWhenItsOrderComesBack guards that no price is looked
// for without end while the marketplace does not show the order.
func TestAVanishedQuoteIsHeldAndResumesWhenItsOrderComesBack(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		catalog := intake.Catalog{quoting}
		w.restart(catalog)
		f := order.Facts{ID: "ord_raw", Status: order.PendingQuote, ServiceTitle: "Pictures", CreatedAt: time.Now(), Raw: []byte(`{}`)}
		if _, err := w.store.Apply(order.Batch{Listing: order.Listing{Orders: []order.Facts{f}}, Decide: catalog.Decide}); err != nil {
			t.Fatal(err)
		}
		if got := w.state(f.ID); got.State != order.StateWorking {
			t.Fatalf("its price is looked for, and it is %s", got.State)
		}
		w.poll() // complete, as the first one is
		if got := w.state(f.ID); got.State != order.StateHeld || got.Code != order.CodeVanished {
			t.Errorf("it is %s (%s)", got.State, got.Code)
		}
		if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute); err != nil || turn.Job != nil {
			t.Errorf("a price is looked for: %+v, %v", turn.Job, err)
		}
		if err := w.market.AddRawRow([]byte(`{"id":"ord_raw","status":"pending_quote","service_title":"Pictures","created_at":"2000-01-01 00:00:00"}`)); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if got := w.state(f.ID); got.State != order.StateWorking || got.Code != "" {
			t.Errorf("back, it is %s (%s)", got.State, got.Code)
		}
		if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute); err != nil || turn.Job == nil || turn.Job.Stage != order.StagePrice {
			t.Errorf("back, its price is not looked for: %+v, %v", turn.Job, err)
		}
	})
}

// apply writes an order to the store as a poll does.
func (w *world) apply(t *testing.T, raw string) {
	t.Helper()
	f := order.Facts{ID: "ord_raw", Status: order.Paid, ServiceTitle: "Pictures", CreatedAt: time.Now(), Raw: []byte(raw)}
	if _, err := w.store.Apply(order.Batch{Listing: order.Listing{Orders: []order.Facts{f}}, Decide: shop.Decide}); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnreadableRowDoesNotHurtOtherOrders(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world) error{
		"no object":           func(w *world) error { return w.market.AddRawRow([]byte(`"garbage"`)) },
		"a number":            func(w *world) error { return w.market.AddRawRow([]byte(`17`)) },
		"null":                func(w *world) error { return w.market.AddRawRow([]byte(`null`)) },
		"no id":               func(w *world) error { return w.market.AddRawRow([]byte(`{"status":"paid"}`)) },
		"no status":           func(w *world) error { return w.market.AddRawRow([]byte(`{"id":"ord_x"}`)) },
		"fields of odd types": func(w *world) error { return w.market.AddRawRow([]byte(`{"id":"ord_x","status":["paid"],"brief":{}}`)) },
		"no time": func(w *world) error {
			return w.market.AddRawRow([]byte(`{"id":"ord_x","status":"paid","service_title":"Pictures"}`))
		},
		"a time that is none": func(w *world) error {
			return w.market.AddRawRow([]byte(`{"id":"ord_x","status":"paid","created_at":"yesterday"}`))
		},
		"a NUL": func(w *world) error {
			return w.market.AddRawRow([]byte(`{"id":"ord_x","status":"paid","brief":"\u0000","created_at":"2000-01-01 00:00:00"}`))
		},
		"the same id twice": func(w *world) error {
			row := []byte(`{"id":"ord_x","status":"paid","created_at":"2000-01-01 00:00:00"}`)
			if err := w.market.AddRawRow(row); err != nil {
				return err
			}
			return w.market.AddRawRow(row)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				if err := spoil(w); err != nil {
					t.Fatal(err)
				}
				id := w.place(nil)
				for range 3 {
					w.poll()
				}
				if got := w.state(id).State; got != order.StateWorking {
					t.Errorf("the order next to it is %q", got)
				}
				if len(w.attention()) == 0 && w.state("ord_x").State == "" {
					t.Error("it is neither an order nor shown to the owner")
				}
			})
		})
	}
}

func TestAnOutageIsLoggedOnceAndPollingResumes(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.market.SetDown(true)
		w.start()
		time.Sleep(5 * time.Hour)
		during := len(w.market.Requests())
		if n := w.log.count("poll failed"); n != 1 || during < 5*4 {
			t.Errorf("%d lines about %d failures", n, during)
		}
		id := w.place(nil)
		w.market.SetDown(false)
		time.Sleep(15*time.Minute + time.Second)
		if got := w.state(id).State; got != order.StateWorking {
			t.Errorf("after the outage the order is %q", got)
		}
		if n := w.log.count("polling works again"); n != 1 {
			t.Errorf("its end is logged %d times", n)
		}
	})
}

func TestARefusedPollWaitsForRetryAfter(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.market.SetFaults(sandbox.Faults{Script: func(_ *http.Request, n int) sandbox.Fault {
			if n == 2 {
				return sandbox.Fault{Refuse: 37 * time.Minute}
			}
			return sandbox.Fault{}
		}})
		w.start()
		time.Sleep(2 * time.Hour)
		sent := w.market.Requests()
		if gap := sent[2].At.Sub(sent[1].At); sent[1].Status != 429 || gap < 37*time.Minute || gap > 40*time.Minute {
			t.Errorf("refused with %d, it polled again after %s", sent[1].Status, gap)
		}
		if n := w.log.count("level=ERROR"); n != 0 {
			t.Errorf("%d errors in the log", n)
		}
	})
}

func TestAnUnavailableServerIsPolledAgainAfterRetryAfter(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var at []time.Time
		w.proxy = func(rw http.ResponseWriter) bool {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			rw.Header().Set("Retry-After", "3000")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		w.start()
		time.Sleep(55 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(at) != 2 || at[1].Sub(at[0]) < 50*time.Minute {
			t.Errorf("with Retry-After of 50 minutes it polled at %s", at)
		}
	})
}

func TestAPollThatTheBudgetRefusesIsNotSentAndIsNoError(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		for range 200 {
			w.poller.Hint()
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if n := len(w.market.Requests()); n != 26 {
			t.Errorf("%d polls, want all of 30 but a reserve of 4", n)
		}
		if n := w.log.count("level=ERROR"); n != 0 {
			t.Errorf("%d errors in the log", n)
		}
	})
}

func TestAHintPollsAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(interval / 2)
		w.poller.Hint()
		synctest.Wait()
		if n := len(w.market.Requests()); n != 2 {
			t.Errorf("%d polls after a hint", n)
		}
		time.Sleep(interval - time.Second)
		if n := len(w.market.Requests()); n != 2 {
			t.Errorf("%d polls before the next is due", n)
		}
	})
}

func TestTheEndOfAnOutageIsReportedOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ends := 0
		w.poller.OnRecovery(func() { ends++ })
		w.poll()
		w.market.SetDown(true)
		if err := w.poller.Poll(t.Context()); err == nil {
			t.Fatal("a poll succeeds while the marketplace is down")
		}
		w.market.SetDown(false)
		w.poll()
		w.poll()
		if ends != 1 {
			t.Errorf("it is reported %d times", ends)
		}
	})
}
