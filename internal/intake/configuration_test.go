package intake_test

import (
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

var (
	pictures = intake.Service{Title: "Pictures", RemoteID: "svc_1", MaxRounds: 2}
	videos   = intake.Service{Title: "Videos", RemoteID: "svc_2", MaxRounds: 2}
	renamed  = intake.Service{Title: "Images", RemoteID: "svc_1", MaxRounds: 2}
	quoting  = intake.Service{Title: "Pictures", RemoteID: "svc_1", Quotes: true}
	weekly   = intake.Service{Title: "Pictures", RemoteID: "svc_1", Subscription: 7 * 24 * time.Hour}
	byPiece  = intake.Service{Title: "Pictures", RemoteID: "svc_1", Subscription: 7 * 24 * time.Hour, Pieces: true}
)

// configurationCase is an order, the services before and after a restart, and what the
// order is then. The marketplace shows nothing new in between.
type configurationCase struct {
	before, after intake.Catalog
	status        string // paid when empty
	begun         bool   // work on it began before the restart
	state         order.State
	code          order.Code
	service       string
}

var configurationCases = map[string]configurationCase{
	"its service is added": {
		before: intake.Catalog{videos, byPiece2}, after: intake.Catalog{videos, pictures},
		state: order.StateWorking, service: "Pictures",
	},
	"its service is the first of all": {
		before: nil, after: intake.Catalog{pictures},
		state: order.StateWorking, service: "Pictures",
	},
	"its service is taken away": {
		before: intake.Catalog{pictures, videos}, after: intake.Catalog{videos, byPiece2},
		state: order.StateHeld, code: order.CodeNoService, service: "Pictures",
	},
	"another service is the only one left": {
		before: intake.Catalog{pictures, videos}, after: intake.Catalog{videos},
		state: order.StateHeld, code: order.CodeNoService, service: "Pictures",
	},
	"its service is renamed": {
		before: intake.Catalog{pictures, videos}, after: intake.Catalog{renamed, videos},
		state: order.StateWorking, service: "Images",
	},
	"its service is renamed after the work began": {
		before: intake.Catalog{pictures, videos}, after: intake.Catalog{renamed, videos}, begun: true,
		state: order.StateHeld, code: order.CodeNoService, service: "Pictures",
	},
	"its service gets prices": {
		before: intake.Catalog{pictures}, after: intake.Catalog{quoting}, status: "pending_quote",
		state: order.StateWorking, service: "Pictures",
	},
	"its service loses its prices before they were asked for": {
		before: intake.Catalog{quoting}, after: intake.Catalog{pictures}, status: "pending_quote",
		state: order.StateWorking, service: "Pictures",
	},
	"its service makes pieces": {
		before: intake.Catalog{weekly}, after: intake.Catalog{byPiece},
		state: order.StateWorking, service: "Pictures",
	},
	"its service makes no pieces any more": {
		before: intake.Catalog{byPiece}, after: intake.Catalog{weekly},
		state: order.StateHeld, code: order.CodeSubscription, service: "Pictures",
	},
}

var byPiece2 = intake.Service{Title: "Windows", RemoteID: "svc_3", Subscription: 7 * 24 * time.Hour, Pieces: true}

func TestAChangeOfTheConfigurationTakesEffectWithoutNews(t *testing.T) {
	t.Parallel()
	for name, c := range configurationCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.place(func(n *sandbox.NewOrder) { n.ServiceID, n.Status = "svc_1", c.status })
				w.restart(c.before)
				w.poll()
				if c.begun {
					w.begin()
				}
				w.restart(c.after)
				for range 2 {
					w.poll()
				}
				o := w.state(id)
				if o.State != c.state || o.Code != c.code || o.Service != c.service {
					t.Errorf("the order is %s %q for %q; want %s %q for %q", o.State, o.Code, o.Service, c.state, c.code, c.service)
				}
				if jobs := w.ready(); (jobs > 0) != (c.state == order.StateWorking) {
					t.Errorf("%d jobs are ready for an order that is %s", jobs, o.State)
				}
				w.restart(c.before) // the owner thinks better of it
				w.poll()
				if back := w.state(id); c.code == order.CodeNoService && back.State != order.StateWorking {
					t.Errorf("with the old configuration it is %s %q", back.State, back.Code)
				}
			})
		})
	}
}

// begin has a first attempt at the work that is ready end in an outage.
func (w *world) begin() {
	w.t.Helper()
	turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute)
	if err != nil || turn.Job == nil {
		w.t.Fatalf("no work to begin: %v", err)
	}
	done := order.Done{Job: *turn.Job, Failure: order.Failf(order.Retry, order.CodeOutage, "no")}
	if _, err := w.store.Turn(&done, order.LaneGenerate, false, time.Minute); err != nil {
		w.t.Fatal(err)
	}
}

// ready is how much work is ready or running.
func (w *world) ready() int {
	w.t.Helper()
	_, total, err := w.store.PendingSends(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return total
}

// A price stage that finds no setting for prices holds the quote for the owner.
func TestAHeldQuoteIsPricedOnceItsServiceHasPrices(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(func(n *sandbox.NewOrder) { n.ServiceID, n.Status = "svc_1", "pending_quote" })
		w.restart(intake.Catalog{quoting})
		w.poll()
		turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Minute)
		if err != nil || turn.Job == nil {
			t.Fatal(err, turn)
		}
		done := order.Done{Job: *turn.Job, Failure: order.Failf(order.Hold, order.CodeQuoteNeeded, "the client asks for a price")}
		if _, err := w.store.Turn(&done, order.LaneGenerate, false, time.Minute); err != nil {
			t.Fatal(err)
		}
		w.restart(intake.Catalog{pictures})
		w.poll()
		if o := w.state(id); o.State != order.StateHeld || w.ready() != 0 {
			t.Errorf("without prices it is %s, with %d jobs", o.State, w.ready())
		}
		w.restart(intake.Catalog{quoting})
		w.poll()
		w.poll()
		if o := w.state(id); o.State != order.StateWorking || w.ready() != 1 {
			t.Errorf("with prices it is %s %q, with %d jobs", o.State, o.Code, w.ready())
		}
	})
}

func TestOnlyTheOwnerGivesAnOrderAnotherService(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(func(n *sandbox.NewOrder) { n.ServiceID, n.ServiceTitle = "svc_9", "Sculptures" })
		both := intake.Catalog{pictures, videos}
		w.restart(both)
		w.poll()
		if o := w.state(id); o.Code != order.CodeNoService || o.Service != "" {
			t.Fatalf("it is %s %q for %q", o.State, o.Code, o.Service)
		}
		owner := store.Owner{Store: w.store}
		if err := owner.Assign(t.Context(), id, "Videos", both.Decide); err != nil {
			t.Fatal(err)
		}
		if o := w.state(id); o.State != order.StateWorking || o.Service != "Videos" || w.ready() != 1 {
			t.Errorf("assigned, it is %s %q for %q, with %d jobs", o.State, o.Code, o.Service, w.ready())
		}
		sculptures := intake.Service{Title: "Sculptures", RemoteID: "svc_9"}
		w.restart(append(both, sculptures))
		w.poll()
		if o := w.state(id); o.Service != "Videos" || o.State != order.StateWorking {
			t.Errorf("after its own service was added it is %s for %q", o.State, o.Service)
		}
		w.restart(intake.Catalog{sculptures})
		w.poll()
		if o := w.state(id); o.Code != order.CodeNoService || o.Service != "Videos" {
			t.Errorf("without the assigned service it is %s %q for %q", o.State, o.Code, o.Service)
		}
		if err := owner.Assign(t.Context(), id, "Sculptures", intake.Catalog{sculptures}.Decide); err != nil {
			t.Fatal(err)
		}
		if o := w.state(id); o.State != order.StateWorking || o.Service != "Sculptures" || w.ready() != 1 {
			t.Errorf("assigned again, it is %s %q for %q, with %d jobs", o.State, o.Code, o.Service, w.ready())
		}
	})
}

// A hold that repeats at each poll is one line of the timeline.
func TestAHoldDoesNotGrowTheTimeline(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(func(n *sandbox.NewOrder) { n.ServiceTitle = "Sculptures" })
		w.restart(intake.Catalog{pictures, videos})
		w.poll()
		before := w.events(id)
		for range 5 {
			w.poll()
		}
		if after := w.events(id); after != before || before == 0 {
			t.Errorf("%d events after one poll, %d after six", before, after)
		}
	})
}

func (w *world) events(id string) int {
	w.t.Helper()
	h, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(h.Events)
}

func TestAKnownServiceIsNotReplacedByNone(t *testing.T) {
	t.Parallel()
	f := facts(order.Paid)
	f.ServiceID, f.ServiceTitle = "svc_9", "Sculptures"
	k := order.Known{Exists: true, State: order.StateWorking, Status: order.InProgress, Job: ready, Service: "Sculptures"}
	if d := shop.Decide(k, f); d.Service != "Sculptures" || d.Code != order.CodeNoService || d.Jobs != order.JobsHold {
		t.Errorf("it is for %q, code %q, jobs %q", d.Service, d.Code, d.Jobs)
	}
}

func TestWorkThatWaitsForApprovalStillDoesOnceItsServiceIsBack(t *testing.T) {
	t.Parallel()
	without, with := intake.Catalog{videos, byPiece2}, intake.Catalog{pictures, videos}
	f := order.Facts{ID: "ord_1", Status: order.Paid, ServiceTitle: "Pictures", CreatedAt: time.Now()}
	k := order.Known{
		Exists: true, Service: "Pictures", Begun: true, Status: order.Paid,
		State: order.StateHeld, Code: order.CodeReview, Job: order.JobHeld,
	}
	if d := without.Decide(k, f); d.State != order.StateHeld || d.Code != order.CodeReview || d.Jobs != order.JobsKeep {
		t.Errorf("without its service it is %s %s, jobs %q", d.State, d.Code, d.Jobs)
	}
	if d := with.Decide(k, f); d.Code != order.CodeReview || d.Jobs != order.JobsKeep {
		t.Errorf("with its service again it is %s %s, jobs %q", d.State, d.Code, d.Jobs)
	}
	k.State, k.Code, k.Job = order.StateFailed, order.CodeRefused, order.JobFailed
	if d := without.Decide(k, f); d.State != order.StateFailed || d.Code != order.CodeRefused {
		t.Errorf("what has failed is %s %s without its service", d.State, d.Code)
	}
}

func TestAQuoteWhoseServiceWasAwayIsPricedOnceItIsBack(t *testing.T) {
	t.Parallel()
	f := order.Facts{ID: "ord_1", Status: order.PendingQuote, ServiceTitle: "Pictures", CreatedAt: time.Now()}
	k := order.Known{
		Exists: true, Service: "Pictures", Status: order.PendingQuote,
		State: order.StateHeld, Code: order.CodeNoService, Quoting: order.JobHeld,
	}
	if d := (intake.Catalog{quoting}).Decide(k, f); d.State != order.StateWorking || d.Jobs != order.JobsQuote {
		t.Errorf("it is %s %s, jobs %q", d.State, d.Code, d.Jobs)
	}
}
