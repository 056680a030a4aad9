package cli

import (
	"fmt"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// bountiesView is the tasks that can be claimed, and the agent's claims.
type bountiesView struct {
	Open   []bountyView `json:"open"`
	Claims []bountyView `json:"claims"`
}

// bountyView is one task, with the agent's claim on it if there is one.
type bountyView struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Brief     string           `json:"brief"`
	Category  string           `json:"category"`
	BudgetUSD string           `json:"budget_usd"`
	Deadline  int              `json:"deadline_hours"`
	Status    string           `json:"status,omitempty"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"`
	Claim     order.ClaimState `json:"claim,omitempty"`
	Service   string           `json:"service,omitempty"`
	OrderID   string           `json:"order_id,omitempty"`
	Reason    string           `json:"reason,omitempty"`

	claims     int // by all agents
	references []string
}

func viewBounty(c order.Claim) bountyView {
	return bountyView{
		ID: c.ID, Title: c.Title, Brief: c.Brief, Category: c.Category, BudgetUSD: c.Budget.String(),
		Deadline: c.DeadlineHours, Status: c.Status, ExpiresAt: c.ExpiresAt, Claim: c.State, Service: c.Service,
		OrderID: c.OrderID, Reason: c.Reason, claims: c.Claims, references: c.References,
	}
}

func viewBounties(open []order.Bounty, claims []order.Claim) bountiesView {
	v := bountiesView{Open: []bountyView{}, Claims: []bountyView{}}
	for _, b := range open {
		v.Open = append(v.Open, viewBounty(order.Claim{Bounty: b}))
	}
	for _, c := range claims {
		v.Claims = append(v.Claims, viewBounty(c))
	}
	return v
}

func (v bountiesView) show(g *term.Page, now time.Time) {
	claimed := map[string]bool{}
	for _, c := range v.Claims {
		claimed[c.ID] = true
	}
	if len(v.Open) == 0 {
		g.Linef("no task can be claimed now; what clients post is shown here")
	} else {
		rows := [][]term.Cell{term.Headings("bounty", "budget", "category", "ends", "claims", "title")}
		for _, b := range v.Open {
			claims := fmt.Sprint(b.claims)
			if claimed[b.ID] {
				claims += ", yours"
			}
			rows = append(rows, []term.Cell{
				term.End(term.Sanitize(b.ID)), term.Styled(term.Bold, "$"+b.BudgetUSD), term.Plain(term.Line(b.Category, 20)),
				term.Plain(words.Relative(now, b.ExpiresAt)), term.Plain(claims), term.Plain(term.Line(b.Title, 60)),
			})
		}
		g.Table("", rows)
	}
	if len(v.Claims) == 0 {
		return
	}
	g.Heading("your claims")
	rows := [][]term.Cell{term.Headings("bounty", "budget", "state", "for", "order")}
	for _, c := range v.Claims {
		rows = append(rows, []term.Cell{
			term.End(term.Sanitize(c.ID)), term.Plain("$" + c.BudgetUSD), term.Plain(string(c.Claim)),
			term.Shrink(16, term.Line(c.Service, 40)), term.Plain(term.Sanitize(c.OrderID)),
		})
	}
	g.Table("  ", rows)
}

func (v bountyView) show(g *term.Page, now time.Time) {
	g.Linef("%s  %s", g.Paint(term.Bold, term.Line(v.Title, 100)), g.Paint(term.Dim, term.Sanitize(v.ID)))
	rows := [][]term.Cell{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []term.Cell{term.Styled(term.Dim, name), term.Plain(value)})
		}
	}
	add("budget", "$"+v.BudgetUSD)
	add("category", term.Line(v.Category, 40))
	add("status", term.Line(v.Status, 40))
	add("claims", fmt.Sprint(v.claims))
	add("time to do it", fmt.Sprintf("%d hours", v.Deadline))
	add("ends", moment(now, v.ExpiresAt))
	add("your claim", strings.TrimSpace(string(v.Claim)+" "+term.Line(v.Reason, 200)))
	g.Table("  ", rows)
	g.Heading("brief")
	g.Quote(v.Brief)
	if len(v.references) > 0 {
		g.Heading("references")
		g.Quote(strings.Join(v.references, "\n"))
	}
}
