package intake_test

import (
	"net/http"
	"strings"
	"testing"

	"atelierd/internal/atelier"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

var (
	stills = intake.Service{Title: "Stills", Category: "image_gen"}
	clips  = intake.Service{Title: "Clips", Category: "video_gen"}
	album  = intake.Service{Title: "Album", Category: "image_gen"}
)

// win returns the order of a bounty that the agent won with a claim that the store
// knows nothing about.
func (w *world) win(title string) string {
	w.t.Helper()
	wallet := "11111111111111111111111111111111"
	if err := w.client.UpdateProfile(w.t.Context(), atelier.ProfilePatch{OwnerWallet: &wallet}); err != nil {
		w.t.Fatal(err)
	}
	id, err := w.market.PostBounty(sandbox.NewBounty{Title: title, Brief: "by Friday, please", Category: "image_gen"})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.client.ClaimBounty(w.t.Context(), id, ""); err != nil {
		w.t.Fatal(err)
	}
	orderID, err := w.market.AcceptClaim(id, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return orderID
}

func TestTheOrderOfABountyClaimedElsewhereIsForTheServiceOfItsCategory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		catalog intake.Catalog
		service string
	}{
		"one service of the category":      {intake.Catalog{clips, stills}, "Stills"},
		"the only service is of another":   {intake.Catalog{clips}, ""},
		"two services of the category":     {intake.Catalog{stills, clips, album}, ""},
		"the other one is sold by windows": {intake.Catalog{stills, {Title: "Week", Category: "image_gen", Subscription: 1}}, "Stills"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.win("A fox in the snow")
				w.restart(c.catalog)
				w.poll()
				o := w.state(id)
				if o.Service != c.service || (o.State == order.StateWorking) != (c.service != "") {
					t.Fatalf("it is %s %q for %q, want %q", o.State, o.Code, o.Service, c.service)
				}
				if wish := o.Wish(); !strings.Contains(wish, "A fox in the snow") || !strings.Contains(wish, "by Friday") {
					t.Errorf("the client's wish is %q", wish)
				}
				if c.service != "" {
					return
				}
				if want := order.Command("orders assign", id, "SERVICE"); !strings.Contains(o.Hint, want) {
					t.Errorf("the hint %q does not name %s", o.Hint, want)
				}
				title := c.catalog[0].Title
				if err := (store.Owner{Store: w.store}).Assign(t.Context(), id, title, c.catalog.Decide); err != nil {
					t.Fatal(err)
				}
				w.poll()
				if o := w.state(id); o.State != order.StateWorking || o.Service != title || w.ready() != 1 {
					t.Errorf("assigned, it is %s for %q, with %d jobs", o.State, o.Service, w.ready())
				}
			})
		})
	}
}

func TestAnOrderWaitsForItsBountyToBeRead(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.win("A fox in the snow")
		w.restart(intake.Catalog{clips, stills})
		w.market.SetFaults(sandbox.Faults{Script: failBounties})
		w.poll()
		if o := w.state(id); o.State != order.StateHeld {
			t.Errorf("without its bounty it is %s for %q", o.State, o.Service)
		}
		w.market.SetFaults(sandbox.Faults{})
		w.poll()
		if o := w.state(id); o.State != order.StateWorking || o.Service != "Stills" || o.BountyTitle == "" {
			t.Errorf("with it, it is %s for %q, of the bounty %q", o.State, o.Service, o.BountyTitle)
		}
	})
}

// Our claim names the service, whatever the others of the category are.
func TestTheOrderOfABountyIsForTheServiceThatClaimedIt(t *testing.T) {
	t.Parallel()
	f := facts(order.Paid)
	f.ServiceID, f.ServiceTitle, f.BountyID = "", "", "bty_1"
	for _, state := range []order.ClaimState{order.ClaimPending, order.ClaimLost, order.ClaimAccepted} {
		mine := clips
		mine.Claims = []order.Claim{{Bounty: order.Bounty{ID: "bty_1", Title: "A film"}, State: state}}
		d := intake.Catalog{stills, mine}.Decide(order.Known{}, f)
		if d.Service != "Clips" || d.Bounty != "bty_1" || d.BountyTitle != "A film" {
			t.Errorf("a claim that is %s: %+v", state, d)
		}
	}
}

// failBounties fails each read of a bounty.
func failBounties(r *http.Request, _ int) sandbox.Fault {
	if strings.Contains(r.URL.Path, "/bounties/") {
		return sandbox.Fault{Before: http.StatusBadGateway}
	}
	return sandbox.Fault{}
}
