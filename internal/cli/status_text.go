package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

func showStatus(g *term.Page, v view.Status, now time.Time) {
	showDaemon(g, v, now)
	showAttention(g, v, now)
	showOrders(g, v)
	showWork(g, v, now)
	showRequests(g, v.Requests, now)
	g.Heading("spending")
	look := term.None
	if v.Spending.CapReached {
		look = term.Yellow
	}
	g.Linef("  %s", g.Paint(look, v.Spending.String()))
	showServices(g, v)
}

func showOrders(g *term.Page, v view.Status) {
	g.Heading("orders")
	var parts []string
	for _, s := range view.OpenStates {
		n := v.Orders[s]
		if s == order.StateWorking {
			for _, code := range slices.Sorted(maps.Keys(v.Waiting)) {
				parts = append(parts, fmt.Sprintf("%d waiting (%s)", v.Waiting[code], code.Words()))
				n -= v.Waiting[code]
			}
		}
		if n > 0 && s == order.StateWaiting {
			parts = append(parts, fmt.Sprintf("%d waiting for the client", n))
		} else if n > 0 {
			parts = append(parts, g.Paint(stateStyle(s), fmt.Sprintf("%d %s", n, s)))
		}
	}
	if parts == nil {
		parts = []string{"none"}
	}
	g.Linef("  %s", strings.Join(parts, ", "))
}

func showServices(g *term.Page, v view.Status) {
	g.Heading("services")
	if len(v.Services) == 0 {
		g.Linef("  none; add a [[service]] to the configuration")
	}
	rows := [][]term.Cell{}
	for _, s := range v.Services {
		look, state, reason := term.None, s.State, s.Reason
		if s.State == view.ServiceDiffers {
			reason = "" // it is among what needs the owner
		}
		if s.State != string(order.ServiceListed) {
			look = term.Yellow
		}
		if s.Flagged != "" {
			look, state, reason = term.Red, "flagged", s.Flagged
		}
		rows = append(rows, []term.Cell{term.Plain(term.Line(s.Title, 40)), term.Styled(look, state), term.Plain(term.Line(reason, 200))})
	}
	g.Table("  ", rows)
	if v.Profile != "" {
		g.Heading("profile")
		g.Note("  ", "differs: "+term.Line(v.Profile, 300))
		g.Hint("  ", order.Command("agent sync")+" changes what can be changed")
	}
}

// showWork shows the work that runs.
func showWork(g *term.Page, v view.Status, now time.Time) {
	rows := [][]term.Cell{}
	for _, w := range v.Work[:min(len(v.Work), mostAttention)] {
		text := term.Sanitize(w.Text(now))
		if !w.Expected.IsZero() {
			text += "; expected " + words.Relative(now, w.Expected)
		}
		rows = append(rows, []term.Cell{term.Plain(term.Line(w.Order, 64)), term.Plain(text)})
	}
	g.Table("  ", rows)
	if more := len(v.Work) - mostAttention; more > 0 {
		g.Linef("  and %d more at work; --json shows all", more)
	}
}
