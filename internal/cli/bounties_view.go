package cli

import (
	"fmt"
	"strings"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

func showBounties(g *term.Page, v view.Bounties, now time.Time) {
	claimed := map[string]bool{}
	for _, c := range v.Claims {
		claimed[c.ID] = true
	}
	if len(v.Open) == 0 {
		g.Linef("no task can be claimed now; what clients post is shown here")
	} else {
		rows := [][]term.Cell{term.Headings("bounty", "budget", "category", "ends", "claims", "title")}
		for _, b := range v.Open {
			claims := fmt.Sprint(b.ClaimsByAll)
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

func showBounty(g *term.Page, v view.Bounty, now time.Time) {
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
	add("claims", fmt.Sprint(v.ClaimsByAll))
	add("time to do it", fmt.Sprintf("%d hours", v.Deadline))
	add("ends", moment(now, v.ExpiresAt))
	add("your claim", strings.TrimSpace(string(v.Claim)+" "+term.Line(v.Reason, 200)))
	g.Table("  ", rows)
	g.Heading("brief")
	g.Quote(v.Brief)
	if len(v.References) > 0 {
		g.Heading("references")
		g.Quote(strings.Join(v.References, "\n"))
	}
}
