package bounty_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/bounty"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func (w *world) look(watcher *bounty.Watcher) {
	w.t.Helper()
	if err := watcher.Once(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// rival has another agent claim a bounty and returns the id of its claim.
func (w *world) rival(bountyID string) string {
	w.t.Helper()
	claimID, err := w.other.ClaimBounty(w.t.Context(), bountyID, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return claimID
}

func TestAClaimIsSettledByTheClaimThatTheClientAccepts(t *testing.T) {
	t.Parallel()
	for name, ours := range map[string]bool{"ours": true, "another agent's": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				id := w.post("9.00")
				w.look(w.watcher(2))
				accepted := w.rival(id)
				if ours {
					accepted = w.claim(id).ClaimID
				}
				orderID, err := w.market.AcceptClaim(id, accepted)
				if err != nil {
					t.Fatal(err)
				}
				w.look(w.watcher(2))
				want := order.ClaimLost
				if ours {
					want = order.ClaimAccepted
				}
				if c := w.claim(id); c.State != want || ours != (c.OrderID == orderID) {
					t.Errorf("the claim is %s with order %q", c.State, c.OrderID)
				}
			})
		})
	}
}

// claimUnanswered has our claim arrive and its answer be lost, so that its id is unknown.
func (w *world) claimUnanswered() (bountyID string) {
	w.t.Helper()
	id := w.post("9.00")
	w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if strings.HasSuffix(r.URL.Path, "/claim") {
			return sandbox.Fault{After: sandbox.Cut}
		}
		return sandbox.Fault{}
	}})
	if err := w.watcher(2).Once(w.t.Context()); err == nil {
		w.t.Fatal("the answer was not lost")
	}
	w.market.SetFaults(sandbox.Faults{})
	w.look(w.watcher(2)) // a conflict shows that the claim arrived
	return id
}

func (w *world) accept(bountyID, claimID string) {
	w.t.Helper()
	if _, err := w.market.AcceptClaim(bountyID, claimID); err != nil {
		w.t.Fatal(err)
	}
}

func TestAClaimOfUnknownIDIsLostAfterTheGraceTime(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id := w.claimUnanswered()
		w.accept(id, w.rival(id))
		for range 3 {
			w.look(w.watcher(2))
			time.Sleep(15 * time.Minute)
		}
		if s := w.claims()[id]; s != order.ClaimPending {
			t.Errorf("within the grace the claim is %s", s)
		}
		time.Sleep(30 * time.Minute)
		w.look(w.watcher(2))
		if s := w.claims()[id]; s != order.ClaimLost {
			t.Errorf("after it the claim is %s", s)
		}
	})
}

func TestAClaimOfUnknownIDThatAWebhookRejectsIsLostAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		id := w.claimUnanswered()
		if err := w.store.RecordWebhook(order.Webhook{Event: "bounty.claim_rejected", BountyID: id}); err != nil {
			t.Fatal(err)
		}
		w.look(w.watcher(2))
		if s := w.claims()[id]; s != order.ClaimPending {
			t.Fatalf("while the bounty is open the claim is %s", s)
		}
		w.accept(id, w.rival(id))
		w.look(w.watcher(2))
		if s := w.claims()[id]; s != order.ClaimLost {
			t.Errorf("after the webhook the claim is %s", s)
		}
	})
}

func (w *world) claim(id string) order.Claim {
	w.t.Helper()
	c, ok, err := w.store.Claim(w.t.Context(), id)
	if err != nil || !ok {
		w.t.Fatalf("no claim on %s: %v", id, err)
	}
	return c
}

// TestAClaimThatCannotBeCheckedDoesNotHoldUpTheRest guards that an answer of 500 for
// one bounty keeps neither the other claims from being settled nor new ones from being
// made.
func TestAClaimThatCannotBeCheckedDoesNotHoldUpTheRest(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		watcher := w.watcher(3)
		bad, gone := w.post("9.00"), w.post("10.00")
		w.look(watcher)
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if strings.HasSuffix(r.URL.Path, "/bounties/"+bad) {
				return sandbox.Fault{Before: http.StatusInternalServerError}
			}
			return sandbox.Fault{}
		}})
		if err := w.market.CancelBounty(gone); err != nil {
			t.Fatal(err)
		}
		fresh := w.post("11.00")
		if err := watcher.Once(t.Context()); err == nil {
			t.Error("a claim that cannot be checked is no error")
		}
		want := map[string]order.ClaimState{bad: order.ClaimPending, gone: order.ClaimLost, fresh: order.ClaimPending}
		if got := w.claims(); !maps.Equal(got, want) {
			t.Errorf("the claims are %v, want %v", got, want)
		}
	})
}
