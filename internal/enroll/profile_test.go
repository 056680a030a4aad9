package enroll_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// configured returns a set-up with a profile and one service.
func (w *world) configured(p atelier.Profile, offers ...enroll.Offer) *setup {
	s := &setup{}
	s.Setup = enroll.New(enroll.Options{
		Store: w.store, Market: w.client, Offers: offers, Profile: p, Local: true,
		SettleWindow: settle, Changed: func() { s.changes++ }, Log: w.log,
	})
	return s
}

// fact returns a stored fact.
func (w *world) fact(name string) string {
	w.t.Helper()
	value, err := w.store.Fact(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return value
}

func TestTheOwnerIsSetOnceAndNeverChanged(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		paint := pictures("Pictures", fit)
		for i, step := range []struct {
			owner  string
			offers []enroll.Offer
			sent   int
			there  string
			known  bool
		}{
			{"", []enroll.Offer{paint}, 0, "", false},
			{walletA, nil, 0, "", false}, // every service is in a dry run
			{"4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", []enroll.Offer{paint}, 0, "", false},
			{walletA, []enroll.Offer{paint}, 1, walletA, true},
			{walletA, []enroll.Offer{paint}, 1, walletA, true},
			{walletB, []enroll.Offer{paint}, 1, walletA, true},
		} {
			w.once(w.configured(atelier.Profile{OwnerWallet: step.owner}, step.offers...))
			if n := w.sent("PATCH", "/me"); n != step.sent || w.market.Agents()[0].OwnerWallet != step.there {
				t.Errorf("step %d: sent %d times, it is %q", i, n, w.market.Agents()[0].OwnerWallet)
			}
			if missing, err := w.store.OwnerMissing(t.Context()); err != nil || missing == step.known {
				t.Errorf("step %d: missing %t, %v", i, missing, err)
			}
		}
		if differs := w.fact("agent.differs"); !strings.Contains(differs, walletA) || !strings.Contains(differs, walletB) ||
			!strings.Contains(differs, "cannot be changed") || !strings.Contains(w.text.String(), "cannot be changed") {
			t.Errorf("another owner is reported as %q", differs)
		}
	})
}

func TestWalletsThatAreMissingAreReportedOnceAndOnlyIfTheyStayMissing(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		const missing = "until it has its wallets"
		s := w.configured(atelier.Profile{}, pictures("Pictures", fit))
		for range 2 {
			w.once(s)
		}
		if text := w.text.String(); strings.Count(text, missing) != 1 || !strings.Contains(text, "set agent.owner_wallet") {
			t.Errorf("without wallets it logged %s", text)
		}
		w.text.Reset()
		w.once(w.configured(atelier.Profile{OwnerWallet: walletA, PayoutWallet: walletA}, pictures("Pictures", fit)))
		if text := w.text.String(); strings.Contains(text, missing) {
			t.Errorf("with wallets that it sets it logged %s", text)
		}
	})
}

// The owner may set the wallet on the marketplace's page while the daemon runs.
func TestAnOwnerThatIsSetOnThePageIsSeenWithinAnHour(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		s := w.configured(atelier.Profile{}, pictures("Pictures", fit))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		defer func() { cancel(); running.Wait() }()
		time.Sleep(24 * time.Hour)
		if missing, err := w.store.OwnerMissing(t.Context()); err != nil || !missing {
			t.Errorf("without an owner: %t, %v", missing, err)
		}
		wallet := walletA
		if err := w.client.UpdateProfile(t.Context(), atelier.ProfilePatch{OwnerWallet: &wallet}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		if missing, err := w.store.OwnerMissing(t.Context()); err != nil || missing {
			t.Errorf("an hour after the owner was set: missing %t, %v", missing, err)
		}
		if n := w.sent("PATCH", "/me"); n != 1 {
			t.Errorf("%d changes of the profile, want that of the page", n)
		}
	})
}

func TestARefusedOwnerKeepsNothingElseFromBeingSetUp(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		broken := sandbox.Fault{Before: http.StatusForbidden}
		w.scripted("PATCH", "/me", broken)
		if !w.once(w.configured(atelier.Profile{OwnerWallet: walletA}, pictures("Pictures", fit))) || len(w.market.Services()) != 1 {
			t.Error("the set-up is not complete")
		}
		if !strings.Contains(w.text.String(), "refuses") {
			t.Errorf("logged %s", w.text)
		}
	})
}

func TestTheAddressOnBaseItsChainAndTheModelsAreSet(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Faults: sandbox.Faults{Shapes: true}}, func(t *testing.T, w *world) {
		w.addAgent()
		want := atelier.Profile{PayoutAddressBase: "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", PayoutChain: "base", AIModels: []string{"flux", "canvas"}}
		for range 2 {
			w.once(w.configured(want, pictures("Pictures", fit)))
		}
		got := w.market.Agents()[0]
		if n := w.sent("PATCH", "/me"); n != 1 || got.PayoutAddressBase != want.PayoutAddressBase || got.PayoutChain != "base" || len(got.AIModels) != 2 {
			t.Errorf("sent %d times; %+v", n, got)
		}
	})
}

func TestWhatDiffersIsReportedAndLeftToTheOwner(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.addAgent()
		w.once(w.configured(atelier.Profile{}, pictures("Pictures", fit)))
		dearer := pictures("Pictures", fit)
		dearer.Price = 7 * order.Dollar
		s := w.configured(atelier.Profile{Name: "tester", Description: "Another text, of which clients know nothing."}, dearer)
		for range 3 {
			w.once(s)
		}
		l := w.listed("Pictures")
		if want := []enroll.Change{{Field: "price_usd", Old: "5.00", New: "7.00"}}; !slices.Equal(enroll.DecodeChanges(l), want) {
			t.Errorf("it stores %+v, want %+v", enroll.DecodeChanges(l), want)
		}
		if l.State != order.ServiceListed || !strings.Contains(l.Reason, `"5.00"`) || !strings.Contains(l.Reason, `"7.00"`) {
			t.Errorf("%+v", l)
		}
		if text := w.text.String(); strings.Count(text, "atelierd services sync") != 1 || strings.Count(text, "atelierd agent sync") != 1 {
			t.Errorf("logged %s", text)
		}
		if !strings.Contains(w.fact("agent.differs"), "description") || w.sent("PATCH", "/me") != 0 || w.market.Services()[0].PriceUSD != "5.00" {
			t.Errorf("the profile differs in %q, and the service is %+v", w.fact("agent.differs"), w.market.Services()[0])
		}
		w.once(w.configured(atelier.Profile{Name: "tester"}, pictures("Pictures", fit)))
		if l := w.listed("Pictures"); l.Reason != "" || l.Differs != "" || w.fact("agent.differs") != "" {
			t.Errorf("with the old configuration again: %+v, %q", l, w.fact("agent.differs"))
		}
	})
}
