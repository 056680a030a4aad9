package enroll_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func (w *world) watch() *enroll.Watch {
	return enroll.NewWatch(enroll.WatchOptions{Store: w.store, Market: w.client, Log: w.log})
}

// alert returns the text of an alert as the owner sees it, "" without one.
func (w *world) alert(a order.Alert) string {
	w.t.Helper()
	text, err := w.store.Fact(w.t.Context(), string(a.Code()))
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) moderate(serviceID, status, reason string) {
	w.t.Helper()
	err := w.market.FlagService(serviceID, status)
	if serviceID == "" {
		err = w.market.FlagAgent(w.creds.AgentID, status, reason)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAFlaggedAgentAndServiceAreAlertsUntilTheyAreLifted(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		w.addAgent()
		made, err := w.client.CreateService(t.Context(), pictures("Pictures", fit).Service)
		if err != nil {
			t.Fatal(err)
		}
		watch := w.watch()
		check := func(wantAgent, wantService string) {
			t.Helper()
			if err := watch.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			for a, want := range map[order.Alert]string{order.AlertFlaggedAgent: wantAgent, order.AlertFlaggedService: wantService} {
				if got := w.alert(a); (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("%s = %q, want %q in it", a, got, want)
				}
			}
		}
		check("", "")
		w.moderate("", "review", "reads like an advert")
		w.moderate(made.ID, "spam", "")
		check("review (reads like an advert)", `"Pictures": spam`)
		name := "another name"
		if err := w.client.UpdateProfile(t.Context(), atelier.ProfilePatch{Name: &name}); err != nil {
			t.Fatal(err)
		}
		check("", `"Pictures": spam`)
		w.moderate(made.ID, "ok", "")
		check("", "")
		for text, times := range map[string]int{"level=WARN": 2, "atelierd agent sync": 1, "no longer flagged": 2} {
			if got := strings.Count(w.text.String(), text); got != times {
				t.Errorf("the log has %q %d times:\n%s", text, got, w.text)
			}
		}
	})
}

func TestAMarketplaceWithoutModerationRaisesNoAlert(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1, Guide: true}, func(t *testing.T, w *world) {
		w.addAgent()
		if err := w.watch().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, s := w.alert(order.AlertFlaggedAgent), w.alert(order.AlertFlaggedService); a+s != "" {
			t.Errorf("alerts %q and %q", a, s)
		}
	})
}

func TestTheModerationIsReadMoreOftenWhileNoOrdersCome(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		w.addAgent()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.watch().Run(ctx) }()
		defer func() {
			stop()
			<-ended
		}()
		reads := func(d time.Duration) int {
			before := w.sent("GET", "/agents/me")
			time.Sleep(d) // simulated time
			synctest.Wait()
			return w.sent("GET", "/agents/me") - before
		}
		reads(time.Minute)
		if n := reads(12 * time.Hour); n != 12 {
			t.Errorf("%d reads in 12 hours without an order, want one an hour", n)
		}
		place(t, w.store)
		reads(time.Hour)
		if n := reads(18 * time.Hour); n != 3 {
			t.Errorf("%d reads in 18 hours after an order, want one in 6 hours", n)
		}
		w.moderate("", "spam", "")
		reads(6 * time.Hour)
		if n := reads(time.Hour); n != 6 {
			t.Errorf("%d reads in an hour while the agent is flagged, want 6", n)
		}
		w.scripted("GET", "/agents/me", sandbox.Fault{Before: 500}, sandbox.Fault{Before: 500})
		if n := reads(time.Hour); n != 6 {
			t.Errorf("%d reads in an hour with two failures, want 6", n)
		}
	})
}

func TestAProcessThatEndsReadsTheModerationOnlyWhenItIsDue(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		w.addAgent()
		for range 30 {
			if err := w.watch().OnceIfDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Minute) // simulated time
		}
		if n := w.sent("GET", "/agents/me"); n != 2 {
			t.Errorf("%d reads in two hours without an order, want 2", n)
		}
	})
}

// place stores an order that was placed now.
func place(t *testing.T, st *store.Store) {
	t.Helper()
	f := order.Facts{ID: "ord_1", Status: order.Paid, CreatedAt: time.Now(), Raw: []byte("{}")}
	_, err := st.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{f}},
		Decide: func(order.Known, order.Facts) order.Decision {
			return order.Decision{State: order.StateWaiting, DueAt: time.Now()}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
