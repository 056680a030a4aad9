package intake_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func listed(status order.Status) []order.Facts { return []order.Facts{{ID: "o1", Status: status}} }

func TestWhatASightingSays(t *testing.T) {
	t.Parallel()
	const within = 2 * time.Minute
	for name, c := range map[string]struct {
		see  func(s *intake.Sightings)
		want order.Sighting
	}{
		"nothing yet":                {func(*intake.Sightings) {}, order.Sighting{}},
		"a failed poll":              {func(s *intake.Sightings) { s.Polled(errors.New("down")) }, order.Sighting{Ask: true}},
		"a poll that shows it":       {func(s *intake.Sightings) { s.Listed(listed(order.Paid), time.Now()) }, order.Sighting{Open: true, Fresh: true, Listed: true}},
		"a poll that shows its end":  {func(s *intake.Sightings) { s.Listed(listed(order.Cancelled), time.Now()) }, order.Sighting{}},
		"a poll without it":          {func(s *intake.Sightings) { s.Listed(listed(order.Paid), time.Now()); s.Listed(nil, time.Now()) }, order.Sighting{}},
		"a poll that says delivered": {func(s *intake.Sightings) { s.Listed(listed(order.Delivered), time.Now()) }, order.Sighting{Listed: true}},
		"a read that says delivered": {func(s *intake.Sightings) { s.Read(listed(order.Delivered)[0], time.Now()) }, order.Sighting{Fresh: true}},
		"a window that ended without a file": {func(s *intake.Sightings) {
			s.Read(order.Facts{ID: "o1", Status: order.Delivered, Shown: order.ShownNone}, time.Now())
		}, order.Sighting{Open: true, Fresh: true}},
		"an unknown status": {func(s *intake.Sightings) { s.Read(listed("parked")[0], time.Now()) }, order.Sighting{Fresh: true}},
		"an old poll": {func(s *intake.Sightings) {
			s.Listed(listed(order.Paid), time.Now())
			time.Sleep(within + 1)
		}, order.Sighting{Open: true, Listed: true}},
		"a read after the poll was sent": {func(s *intake.Sightings) {
			sent := time.Now()
			time.Sleep(time.Second)
			s.Read(listed(order.Cancelled)[0], time.Now())
			s.Listed(listed(order.Paid), sent) // it may be older
		}, order.Sighting{Fresh: true}},
		"a read without an answer": {func(s *intake.Sightings) { s.Polled(nil); s.Silent() }, order.Sighting{}},
		"and a poll after it":      {func(s *intake.Sightings) { s.Silent(); s.Listed(nil, time.Now()); s.Polled(nil) }, order.Sighting{Ask: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := intake.NewSightings(within)
				c.see(s)
				if got := s.Seen("o1", order.KindDelivery); got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			})
		})
	}
}

// unseen leases the order's job and puts it off because its order was not seen.
func (w *world) unseen() {
	w.t.Helper()
	j := w.due()
	if j == nil {
		w.t.Fatal("there is no job")
	}
	w.seen.Seen(j.OrderID, j.Kind)
	f := order.Failf(order.Wait, order.CodeNotSeen, "not seen")
	if _, err := w.store.Turn(&order.Done{Job: *j, Failure: f, RunAt: time.Now().Add(time.Hour)}, order.LaneGenerate, false, 0); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) due() *order.Job {
	w.t.Helper()
	turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return turn.Job
}

func TestAPollLetsUnseenWorkContinue(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.place(nil)
		w.poll()
		w.unseen()
		w.restart(shop) // the first poll of a process ends what an earlier one has put off
		w.proxy = func(rw http.ResponseWriter) bool { rw.WriteHeader(http.StatusBadGateway); return true }
		if err := w.poller.Poll(t.Context()); err == nil {
			t.Fatal("the poll did not fail")
		}
		w.unseen() // it is due: orders are read alone from now on
		if err := w.poller.Poll(t.Context()); err == nil || w.due() != nil {
			t.Fatalf("a second failed poll lets it continue: %v", err)
		}
		w.proxy = nil
		w.poll()
		j := w.due()
		if j == nil || !w.seen.Seen(j.OrderID, j.Kind).Open {
			t.Errorf("after a poll the job is %+v", j)
		}
	})
}

// TestWhatCannotBeStoredIsSeenAllTheSame guards a full disk: what the marketplace has shown of
// an order's end keeps calls from beginning once the disk has room again.
func TestWhatCannotBeStoredIsSeenAllTheSame(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(w *world, id string){
		"in a poll of live orders": func(w *world, _ string) { _ = w.poller.Poll(w.t.Context()) },
		"in a poll of every status": func(w *world, _ string) {
			w.poller.PollAll()
			_ = w.poller.Poll(w.t.Context())
		},
		"in a read of the order": func(w *world, id string) {
			w.poller.Event("order.cancelled", id)
			time.Sleep(time.Minute) // the next poll is later
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.place(nil)
				if name == "in a read of the order" {
					w.start()
					time.Sleep(time.Second)
				} else {
					w.poll()
				}
				if !w.seen.Seen(id, order.KindDelivery).Open {
					t.Fatal("the order was not seen")
				}
				time.Sleep(time.Second)
				if err := w.market.Cancel(id); err != nil {
					t.Fatal(err)
				}
				w.noRoom.Store(true)
				look(w, id)
				if s := w.seen.Seen(id, order.KindDelivery); s.Open || w.tried.Load() == 0 {
					t.Errorf("after %d tries to store it, a cancelled order is seen as %+v", w.tried.Load(), s)
				}
			})
		})
	}
}
