package intake_test

import (
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// heldCases are the holds that a poll decides about, each with a service that would
// release it.
var heldCases = map[order.Code]struct {
	held, released intake.Catalog
	status         string
	delivered      bool // one round is delivered, and sent back
}{
	order.CodeNoService:    {held: intake.Catalog{videos, byPiece2}, released: intake.Catalog{pictures}},
	order.CodeQuoteNeeded:  {held: intake.Catalog{pictures}, released: intake.Catalog{quoting}, status: "pending_quote"},
	order.CodeSubscription: {held: intake.Catalog{weekly}, released: intake.Catalog{byPiece}},
	order.CodeRoundCap:     {held: intake.Catalog{{Title: "Pictures", RemoteID: "svc_1"}}, released: intake.Catalog{pictures}, delivered: true},
}

// placeHeld places an order and polls it into a hold.
func (w *world) placeHeld(code order.Code) string {
	w.t.Helper()
	c := heldCases[code]
	id := w.place(func(n *sandbox.NewOrder) {
		n.ServiceID, n.Status = "svc_1", c.status
		n.Raw = map[string]any{"max_revisions": nil, "revision_count": 1}
	})
	w.restart(c.held)
	w.poll()
	if c.delivered {
		for _, s := range []string{"delivered", "revision_requested"} {
			w.status(id, s)
			w.poll()
		}
	}
	if o := w.state(id); o.State != order.StateHeld || o.Code != code {
		w.t.Fatalf("the order is %s %q, want it held as %s", o.State, o.Code, code)
	}
	return id
}

func (w *world) status(id, status string) {
	w.t.Helper()
	if err := w.market.SetStatus(id, status); err != nil {
		w.t.Fatal(err)
	}
}

// stays fails the test unless the order is cancelled by the owner and has no work.
func (w *world) stays(id, when string) {
	w.t.Helper()
	w.poll()
	if o := w.state(id); o.State != order.StateHeld || o.Code != order.CodeOwner || w.ready() != 0 {
		w.t.Errorf("%s the order is %s %q, with %d jobs", when, o.State, o.Code, w.ready())
	}
}

func TestTheOwnersCancellationStandsUntilTheClientActs(t *testing.T) {
	t.Parallel()
	for code, c := range heldCases {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.placeHeld(code)
				owner := store.Owner{Store: w.store}
				if err := owner.Cancel(t.Context(), id, "not for me"); err != nil {
					t.Fatal(err)
				}
				w.stays(id, "at the next poll")
				w.restart(c.held)
				w.stays(id, "after a restart")
				w.restart(c.released)
				w.stays(id, "after a change of the configuration")
				before := w.events(id)
				if err := w.market.ClientMessage(id, "hello?"); err != nil {
					t.Fatal(err)
				}
				w.stays(id, "after a message")
				if after := w.events(id); after != before {
					t.Errorf("polls added %d events", after-before)
				}
				if o := w.state(id); o.Reason != "not for me" {
					t.Errorf("the owner's reason is now %q", o.Reason)
				}
				was := w.state(id).Status
				for _, s := range []string{"paid", "in_progress", "paid", "delivered", "paid"} {
					w.status(id, s)
					w.poll()
					if w.ready() != 0 {
						t.Errorf("there is work after a step to %s", s)
					}
				}
				w.stays(id, "after steps of the marketplace")
				if c.delivered {
					w.status(id, "delivered")
					w.poll()
				}
				w.status(id, map[bool]string{true: "disputed", false: "revision_requested"}[was == order.RevisionRequested])
				w.poll()
				if o := w.state(id); o.Code == order.CodeOwner {
					t.Errorf("the client has acted, and the order is still cancelled")
				}
			})
		})
	}
}

func TestTheOwnerTakesACancellationBack(t *testing.T) {
	t.Parallel()
	for code := range heldCases {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.placeHeld(code)
				owner := store.Owner{Store: w.store}
				if err := owner.Cancel(t.Context(), id, ""); err != nil {
					t.Fatal(err)
				}
				w.poll()
				if err := owner.Retry(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				w.poll()
				// The cap on rounds is the owner's to lift; the other holds are as before.
				want := code
				if code == order.CodeRoundCap {
					want = ""
				}
				if o := w.state(id); o.Code != want || (w.ready() > 0) != (want == "") {
					t.Errorf("it is %s %q, with %d jobs; want code %q", o.State, o.Code, w.ready(), want)
				}
			})
		})
	}
}

func TestACancelledWindowOpensNoPieces(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(func(n *sandbox.NewOrder) { n.ServiceID = "svc_1" })
		w.restart(intake.Catalog{byPiece})
		w.poll()
		owner := store.Owner{Store: w.store}
		if err := owner.Cancel(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		ask := order.Thread{
			OrderID: id, Pieces: true, Next: time.Now().Add(time.Hour),
			Messages: []order.Message{{ID: "m1", Party: order.PartyClient, Text: "a fox", At: time.Now()}},
		}
		for _, pieces := range []int{0, 1} {
			if _, err := w.store.ApplyThread(ask); err != nil {
				t.Fatal(err)
			}
			if list, err := w.store.Pieces(t.Context(), id); err != nil || len(list) != pieces {
				t.Errorf("%d pieces, %v; want %d", len(list), err, pieces)
			}
			if pieces == 0 {
				if err := owner.Retry(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
