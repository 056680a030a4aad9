package enroll_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

const settle = 150 * time.Second

// pictures is a service that the marketplace accepts. check is its self-check.
func pictures(title string, check func() error) enroll.Offer {
	return enroll.Offer{
		Service: atelier.Service{
			Title: title, Category: "image_gen", Price: 5 * order.Dollar, PriceType: "fixed",
			Description: "Pictures of every kind, painted by hand, one at a time.",
		},
		Check: func(context.Context) error { return check() },
	}
}

func fit() error { return nil }

type setup struct {
	*enroll.Setup
	changes int
}

func (w *world) setup(wallet string, offers ...enroll.Offer) *setup {
	s := &setup{}
	s.Setup = enroll.New(enroll.Options{
		Store: w.store, Market: w.client, Offers: offers, Profile: atelier.Profile{PayoutWallet: wallet}, Local: true,
		SettleWindow: settle, Changed: func() { s.changes++ }, Log: w.log,
	})
	return s
}

func (w *world) once(s *setup) (complete bool) {
	w.t.Helper()
	complete, err := s.Once(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return complete
}

// listed is the state of the service in the store.
func (w *world) listed(title string) order.Listed {
	w.t.Helper()
	list, err := w.store.Services(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range list {
		if l.Title == title {
			return l
		}
	}
	return order.Listed{}
}

func TestEachServiceIsListedOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Faults: sandbox.Faults{Shapes: true}}, func(t *testing.T, w *world) {
		w.addAgent()
		if _, err := w.client.CreateService(t.Context(), pictures("  PORTRAITS ", fit).Service); err != nil {
			t.Fatal(err)
		}
		offers := []enroll.Offer{pictures("Pictures", fit), pictures("Portraits", fit)}
		s := w.setup("", offers...)
		for range 3 {
			if !w.once(s) {
				t.Error("it is not complete")
			}
		}
		if !w.once(w.setup("", offers...)) { // the next process
			t.Error("it is not complete")
		}
		there := w.market.Services()
		if len(there) != 2 || s.changes != 2 {
			t.Errorf("%d services, %d changes reported", len(there), s.changes)
		}
		for i, title := range []string{"Portraits", "Pictures"} {
			if l := w.listed(title); l.State != order.ServiceListed || l.RemoteID != there[i].ID {
				t.Errorf("%s is %+v, there it is %s", title, l, there[i].ID)
			}
		}
	})
}

func TestAServiceWithALostAnswerIsFoundAndNotListedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.scripted("POST", "/services", sandbox.Fault{After: sandbox.Cut})
		s := w.setup("", pictures("Pictures", fit))
		if complete, err := s.Once(t.Context()); complete || err == nil {
			t.Errorf("%t, %v", complete, err)
		}
		if !w.once(w.setup("", pictures("Pictures", fit))) {
			t.Error("it is not complete")
		}
		if n := w.sent("POST", "/services"); n != 1 || w.listed("Pictures").State != order.ServiceListed {
			t.Errorf("sent %d times; %+v", n, w.listed("Pictures"))
		}
	})
}

func TestAServiceThatMayStillArriveIsNotListedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		// The client stops waiting long before the request takes effect.
		w.scripted("POST", "/services", sandbox.Fault{Slow: settle - 5*time.Second})
		if _, err := w.setup("", pictures("Pictures", fit)).Once(t.Context()); err == nil {
			t.Fatal("it has been answered")
		}
		s := w.setup("", pictures("Pictures", fit)) // a new process, which knows only the store
		for start := time.Now(); time.Since(start) < 10*time.Minute; time.Sleep(10 * time.Second) {
			w.once(s)
		}
		if n := len(w.market.Services()); n != 1 || !w.once(s) {
			t.Errorf("%d services", n)
		}
	})
}

func TestAServiceThatDidNotArriveIsListedAgainAfterTheSettleWindow(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.scripted("POST", "/services", sandbox.Fault{Before: sandbox.Cut})
		s := w.setup("", pictures("Pictures", fit))
		if _, err := s.Once(t.Context()); err == nil {
			t.Fatal("it has been answered")
		}
		time.Sleep(settle - time.Second)
		if w.once(s) || w.sent("POST", "/services") != 1 {
			t.Error("sent again while the first may still arrive")
		}
		time.Sleep(time.Second)
		if !w.once(s) || len(w.market.Services()) != 1 {
			t.Errorf("%d services", len(w.market.Services()))
		}
	})
}

func TestAServiceThatFailsItsCheckIsNotListed(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		broken := order.Failf(order.Hold, order.CodeMisconfigured, "no such program").WithHint("install it")
		var state error = broken
		s := w.setup("", pictures("Broken", func() error { return state }), pictures("Pictures", fit))
		for range 2 {
			complete, err := s.Once(t.Context())
			if complete || !errors.Is(err, broken) {
				t.Errorf("%t, %v", complete, err)
			}
		}
		there := w.market.Services()
		if len(there) != 1 || there[0].Title != "Pictures" {
			t.Errorf("offered: %+v", there)
		}
		if l := w.listed("Broken"); l.State != order.ServiceHeld || !strings.Contains(l.Reason, "no such program") {
			t.Errorf("%+v", l)
		}
		state = nil
		if !w.once(s) || len(w.market.Services()) != 2 {
			t.Error("after the check passes the service is not listed")
		}
	})
}

func TestARefusedServiceIsNotSentAgainUntilARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		short := pictures("Pictures", fit)
		short.Description = "Pictures." // the deployed marketplace wants 40 characters
		s := w.setup("", short)
		if _, err := s.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "description") {
			t.Errorf("%v", err)
		}
		for range 5 {
			if !w.once(s) {
				t.Error("something is left to do")
			}
		}
		if n := w.sent("POST", "/services"); n != 1 || w.listed("Pictures").State != order.ServiceHeld {
			t.Errorf("sent %d times; %+v", n, w.listed("Pictures"))
		}
		if !w.once(w.setup("", pictures("Pictures", fit))) || len(w.market.Services()) != 1 {
			t.Error("with a valid description the service is not listed")
		}
	})
}

func TestATemporaryRefusalIsTriedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.scripted("POST", "/services", sandbox.Fault{Refuse: time.Minute})
		s := w.setup("", pictures("Pictures", fit))
		if _, err := s.Once(t.Context()); err == nil {
			t.Fatal("it was taken")
		}
		if l := w.listed("Pictures"); l.State != order.ServiceWanted {
			t.Errorf("%+v", l)
		}
		time.Sleep(time.Minute)
		if !w.once(s) {
			t.Error("it is not complete")
		}
	})
}

// The wallets are addresses of 32 bytes in base58.
const (
	walletA = "So11111111111111111111111111111111111111112"
	walletB = "11111111111111111111111111111111"
)

func TestTheWalletIsSetOnlyIfItDiffers(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		first := w.market.Agents()[0].PayoutWallet
		for _, step := range []struct {
			wallet string
			sent   int
			there  string
		}{{"", 0, first}, {walletA, 1, walletA}, {walletA, 1, walletA}, {walletB, 2, walletB}, {"", 2, walletB}} {
			s := w.setup(step.wallet, pictures("Pictures", fit))
			w.once(s)
			w.once(s)
			if n := w.sent("PATCH", "/me"); n != step.sent || w.market.Agents()[0].PayoutWallet != step.there {
				t.Errorf("for %q: sent %d times, it is %q", step.wallet, n, w.market.Agents()[0].PayoutWallet)
			}
		}
	})
}

func TestTheSetUpIsCompleteSecondsAfterAnOutage(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]time.Duration{"a short one": 25 * time.Second, "a long one that a poll sees end": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.addAgent()
				w.market.SetDown(true)
				s := w.setup(walletA, pictures("Pictures", fit))
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { s.Run(ctx) })
				time.Sleep(outage)
				w.market.SetDown(false)
				if outage > time.Minute {
					s.Wake()
				}
				time.Sleep(20 * time.Second)
				if n := len(w.market.Services()); n != 1 {
					t.Errorf("%d services 20 seconds after", n)
				}
				cancel()
				running.Wait()
			})
		})
	}
}

func TestRunTriesUntilTheSetUpIsCompleteAndThenChecksItTwiceADay(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.market.SetDown(true)
		s := w.configured(atelier.Profile{PayoutWallet: walletA, OwnerWallet: walletA}, pictures("Pictures", fit))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		time.Sleep(time.Hour)
		during := len(w.market.Requests())
		w.market.SetDown(false)
		time.Sleep(5 * time.Minute)
		if during < 6 || during > 20 || len(w.market.Services()) != 1 || w.market.Agents()[0].PayoutWallet != walletA {
			t.Errorf("%d requests in an hour of outage, %d services after", during, len(w.market.Services()))
		}
		before := len(w.market.Requests())
		time.Sleep(24 * time.Hour)
		if n := len(w.market.Requests()) - before; n != 4 {
			t.Errorf("looked over with %d requests in a day, want 4, two for the profile", n)
		}
		cancel()
		running.Wait()
		if n := strings.Count(w.text.String(), "is not complete"); n != 1 {
			t.Errorf("an outage of an hour is logged %d times", n)
		}
	})
}
