package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

func (d *deskOf) ReadTasks(context.Context, order.Actor) error {
	d.tasks.ReadAt = time.Now()
	return d.err
}

func (d *deskOf) Claim(_ context.Context, by order.Actor, c Claim) error {
	if c.Fingerprint != "one" {
		return errors.New("the bounty has changed")
	}
	d.asked = append(d.asked, string(by)+" "+c.Bounty+" "+c.Service+": "+c.Message)
	return d.err
}

func TestABountyIsClaimedAsItWasShown(t *testing.T) {
	t.Parallel()
	s, d := selling(t)
	s.want(s.get("/bounties"), http.StatusOK, "The tasks were not read yet", "You have claimed nothing yet")
	s.want(s.post("/bounties/read", url.Values{}), http.StatusSeeOther)
	s.want(s.get("/bounties"), http.StatusOK, "No task can be claimed now")
	d.tasks.List = []Task{{
		Bounty:   view.Bounty{ID: "bnt_1/..", Title: "a mural " + hostile, Brief: "four metres " + hostile, Category: "image_gen", BudgetUSD: "40.00", Deadline: 48, References: []string{"javascript:alert(1)"}},
		Services: []string{"Images"}, Fingerprint: "one",
	}}
	a := s.get("/bounties")
	s.want(a, http.StatusOK, "a mural", "$40.00", `href="/bounties/bnt_1%2F.."`)
	s.clean(a)
	a = s.get("/bounties/bnt_1%2F..")
	s.want(a, http.StatusOK, "four metres", "Claim it", "A claim is binding", `name="if" value="one"`)
	s.clean(a)
	form := url.Values{"if": {"zero"}, "service": {"Images"}, "message": {" gladly "}}
	s.want(s.post("/bounties/bnt_1%2F..", form), http.StatusOK, "Nothing was done.", "The bounty has changed.")
	form.Set("if", "one")
	s.acts("/bounties/bnt_1%2F..", form, "Claimed.")
	if len(d.asked) != 1 || d.asked[0] != "console:jo bnt_1/.. Images: gladly" {
		t.Errorf("asked was %q", d.asked)
	}
	if err := s.store.IntendClaim(order.Claim{Bounty: order.Bounty{ID: "bnt_1/..", Title: "a mural " + hostile}, Service: "Images"}); err != nil {
		t.Fatal(err)
	}
	a = s.get("/bounties")
	s.want(a, http.StatusOK, "Your claims", "being claimed")
	s.clean(a)
	s.want(s.get("/bounties/bnt_2"), http.StatusNotFound)
	s.readsOnly("/bounties", "/bounties/read", "/bounties/bnt_1%2F..")
}
