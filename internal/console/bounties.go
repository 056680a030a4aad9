package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// claimsShown is how many claims the page has.
const claimsShown = 50

// bountiesPage is the tasks that can be claimed, and our claims.
type bountiesPage struct {
	Note   note
	ReadAt time.Time // when the tasks were read; zero for never
	Tasks  []bountyRow
	Claims []bountyRow
}

type bountyRow struct {
	Task
	Link  string
	State state
	Order string // the address of the order that it became
	Mine  bool
}

// bountyPage is one task.
type bountyPage struct {
	bountyRow
	Note note
	Most int // characters of a message
}

func (c *console) bounties(w http.ResponseWriter, v visit) { c.showBounties(w, v, note{}) }

func (c *console) showBounties(w http.ResponseWriter, v visit, n note) {
	b, err := c.View.Bounties(v.Context(), claimsShown)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	tasks := c.Desk.Tasks()
	p := bountiesPage{Note: n, ReadAt: tasks.ReadAt}
	claimed := map[string]order.ClaimState{}
	for _, each := range b.Claims {
		row := bountyRow{Task: Task{Bounty: each}, State: claimWord(each.Claim), Mine: true}
		if each.OrderID != "" {
			row.Order = orderURL(each.OrderID)
		}
		claimed[each.ID] = each.Claim
		p.Claims = append(p.Claims, row)
	}
	for _, t := range tasks.List {
		row := bountyRow{Task: t, Link: "/bounties/" + pathOf(t.ID)}
		if is, ok := claimed[t.ID]; ok {
			row.Mine, row.State = true, claimWord(is)
		}
		p.Tasks = append(p.Tasks, row)
	}
	c.render(w, v, "bounties", frame{Title: "Bounties", Tab: "bounties", Body: p})
}

// claimWord is the state of a claim, with its shape.
func claimWord(s order.ClaimState) state {
	switch s {
	case order.ClaimAccepted:
		return state{"good", "accepted"}
	case order.ClaimPending:
		return state{"wait", "the client decides"}
	case order.Claiming:
		return state{"work", "being claimed"}
	case order.ClaimRefused:
		return state{"bad", "refused"}
	case order.ClaimWithdrawn:
		return state{"off", "withdrawn"}
	}
	return state{"off", string(s)}
}

func (c *console) bounty(w http.ResponseWriter, v visit) { c.showBounty(w, v, v.done()) }

// showBounty shows a task as it was last read.
func (c *console) showBounty(w http.ResponseWriter, v visit, n note) {
	list := c.Desk.Tasks().List
	at := slices.IndexFunc(list, func(t Task) bool { return t.ID == v.PathValue("id") })
	if at < 0 {
		c.notFound(w, v)
		return
	}
	p := bountyPage{bountyRow: bountyRow{Task: list[at]}, Note: n, Most: atelier.MaxPitch}
	b, err := c.View.Bounties(v.Context(), claimsShown)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	for _, each := range b.Claims {
		if each.ID == p.ID {
			p.Mine, p.State = each.Claim != order.ClaimRefused, claimWord(each.Claim)
		}
	}
	c.render(w, v, "bounty", frame{Title: "Bounty", Tab: "bounties", Body: p})
}

// readBounties reads the tasks at the marketplace.
func (c *console) readBounties(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	if err := c.Desk.ReadTasks(ctx, v.actor()); err != nil {
		c.showBounties(w, v, refused(err))
		return
	}
	http.Redirect(w, v.Request, "/bounties", http.StatusSeeOther)
}

// claimBounty claims a task as the page has shown it.
func (c *console) claimBounty(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	f := v.PostForm
	err := c.Desk.Claim(ctx, v.actor(), Claim{
		Bounty: v.PathValue("id"), Fingerprint: f.Get("if"), Service: f.Get("service"), Message: strings.TrimSpace(f.Get("message")),
	})
	if err != nil {
		c.showBounty(w, v, refused(err))
		return
	}
	c.seeOther(w, v, "/bounties/"+pathOf(v.PathValue("id")), "claim")
}

// pathOf is an id of the marketplace as a part of an address.
func pathOf(id string) string { return strings.TrimPrefix(orderURL(id), "/orders/") }
