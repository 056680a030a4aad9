package bounty_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

type world struct {
	t      *testing.T
	market *sandbox.Server
	store  *store.Store
	client *atelier.Client
	other  *atelier.Client // of another agent
	paused bool            // by the owner
	block  string          // the wallet that is blocked
}

// inWorld runs f in simulated time, with a marketplace that has one agent with an owner.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, market: sandbox.New(sandbox.Options{})}
		listener := pipenet.New()
		server := &http.Server{Handler: w.market}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(listener) })
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			serving.Wait()
		})
		var err error
		if w.store, err = store.Open(store.Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.store.Close() })
		w.client, w.other = w.agent("tester", listener), w.agent("rival", listener)
		f(t, w)
	})
}

// agent adds an agent with an owner and returns its client.
func (w *world) agent(name string, l *pipenet.Listener) *atelier.Client {
	w.t.Helper()
	id, key, err := w.market.AddAgent(name, "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	c := atelier.New(atelier.Options{
		BaseURL:     &url.URL{Scheme: "http", Host: "market.test", Path: "/api"},
		Transport:   &http.Transport{DialContext: l.Dial, DisableKeepAlives: true},
		Credentials: func() atelier.Credentials { return atelier.Credentials{AgentID: id, Key: secret.New(key)} },
	})
	wallet := "11111111111111111111111111111111"
	if err := c.UpdateProfile(w.t.Context(), atelier.ProfilePatch{OwnerWallet: &wallet}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) watcher(open int) *bounty.Watcher {
	return bounty.New(bounty.Options{
		Store: w.store, Market: w.client, MaxOpen: open, MaxBacklog: 10, Interval: time.Minute,
		Paused:  func(_ context.Context, service string) bool { return w.paused && service == "Pictures" },
		Blocked: func(wallet string) bool { return wallet == w.block },
		Rules:   []bounty.Rule{{Category: "image_gen", MinBudget: 8 * order.Dollar, Service: "Pictures"}}, Log: slog.New(slog.DiscardHandler),
	})
}

// TestNothingIsClaimedForAPausedService guards that a pause takes on no work:
// a claim is binding.
func TestNothingIsClaimedForAPausedService(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id := w.post("9.00")
		for _, w.paused = range []bool{true, false} {
			if err := w.watcher(2).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, claimed := w.claims()[id]; claimed == w.paused {
				t.Errorf("paused %v: claimed %v", w.paused, claimed)
			}
		}
	})
}

// TestABountyOfABlockedClientIsNotClaimed guards that the client of a bounty is known before
// the claim, which is binding.
func TestABountyOfABlockedClientIsNotClaimed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id, err := w.market.PostBounty(sandbox.NewBounty{Title: "a task", Brief: "a task", BudgetUSD: "9.00", PosterWallet: "Pest"})
		if err != nil {
			t.Fatal(err)
		}
		other := w.post("9.00")
		for _, w.block = range []string{"Pest", "nobody"} {
			if err := w.watcher(2).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			claims := w.claims()
			if _, claimed := claims[id]; claimed != (w.block == "nobody") || claims[other] == "" {
				t.Errorf("while %s is blocked: claimed %v", w.block, claims)
			}
		}
	})
}

func (w *world) post(budget string) string {
	w.t.Helper()
	id, err := w.market.PostBounty(sandbox.NewBounty{Title: "a task", Brief: "a task", BudgetUSD: budget})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// claims returns the states of our claims by the id of their bounty.
func (w *world) claims() map[string]order.ClaimState {
	w.t.Helper()
	list, err := w.store.Claims(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	states := map[string]order.ClaimState{}
	for _, c := range list {
		states[c.ID] = c.State
	}
	return states
}

func TestTheRulesSelectBountiesAndMaxOpenLimitsTheClaims(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		cheap, first, second, third := w.post("5.00"), w.post("9.00"), w.post("10.00"), w.post("11.00")
		for range 3 {
			if err := w.watcher(2).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		states := w.claims()
		if len(states) != 2 || states[cheap] != "" {
			t.Fatalf("claimed %v", states)
		}
		for _, id := range []string{first, second, third} {
			if states[id] == order.ClaimPending {
				if err := w.market.CancelBounty(id); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if err := w.watcher(2).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(w.claims()); n != 3 {
			t.Errorf("after one was lost %d claims were made in all, want 3", n)
		}
	})
}

func TestAClaimWithALostAnswerIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id := w.post("9.00")
		lost := false
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if !lost && strings.HasSuffix(r.URL.Path, "/claim") {
				lost = true
				return sandbox.Fault{After: sandbox.Cut}
			}
			return sandbox.Fault{}
		}})
		if err := w.watcher(2).Once(t.Context()); err == nil {
			t.Fatal("the answer was not lost")
		}
		if s := w.claims()[id]; s != order.Claiming {
			t.Errorf("without an answer the claim is %s", s)
		}
		if err := w.watcher(2).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := w.claims()[id]; s != order.ClaimPending {
			t.Errorf("looked at again the claim is %s", s)
		}
		if b := w.market.Bounties()[0]; len(b.Claims) != 1 {
			t.Errorf("the bounty has %d claims", len(b.Claims))
		}
	})
}

func TestWhatWasRefusedForTheLackOfAnOwnerIsClaimedOnceThereIsOne(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id := w.post("9.00")
		refused := 0
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if refused == 0 && strings.HasSuffix(r.URL.Path, "/claim") {
				refused++
				return sandbox.Fault{Before: http.StatusForbidden}
			}
			return sandbox.Fault{}
		}})
		look := func() {
			t.Helper()
			_ = w.watcher(2).Once(t.Context()) // the refusal is an error
		}
		look()
		look()
		if s := w.claims()[id]; s != order.ClaimRefused {
			t.Fatalf("refused, and again: %s", s)
		}
		if err := w.store.OwnerKnown(false); err != nil {
			t.Fatal(err)
		}
		other := w.post("10.00")
		look()
		if s := w.claims(); s[other] != "" || s[id] != order.ClaimRefused {
			t.Errorf("without an owner: %v", s)
		}
		if f, err := w.store.Fact(t.Context(), string(order.AlertOwner.Code())); err != nil || f == "" {
			t.Errorf("the owner is not told: %q, %v", f, err)
		}
		if err := w.store.OwnerKnown(true); err != nil {
			t.Fatal(err)
		}
		look()
		if s := w.claims(); s[id] != order.ClaimPending || s[other] != order.ClaimPending {
			t.Errorf("with an owner: %v", s)
		}
		if f, err := w.store.Fact(t.Context(), string(order.AlertOwner.Code())); err != nil || f != "" {
			t.Errorf("the alert stays: %q, %v", f, err)
		}
	})
}
