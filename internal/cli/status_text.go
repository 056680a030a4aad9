package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

func (v statusView) show(g *term.Page, now time.Time) {
	v.showDaemon(g, now)
	v.showAttention(g, now)
	v.showOrders(g)
	v.showWork(g, now)
	v.Requests.show(g, now)
	g.Heading("spending")
	look := term.None
	if v.Spending.CapReached {
		look = term.Yellow
	}
	g.Linef("  %s", g.Paint(look, v.Spending.String()))
	v.showServices(g)
}

func (v statusView) showOrders(g *term.Page) {
	g.Heading("orders")
	var parts []string
	for _, s := range openStates {
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

// String describes the spending in one line.
func (v spendingView) String() string {
	waiting := "no order waits for it"
	switch v.Waiting {
	case 0:
	case 1:
		waiting = "1 order waits until " + nextDay
	default:
		waiting = fmt.Sprintf("%d orders wait until %s", v.Waiting, nextDay)
	}
	switch {
	case v.Cap == "":
		return fmt.Sprintf("$%s today (UTC), no daily cap", v.Today)
	case v.CapReached:
		return fmt.Sprintf("cap reached: $%s of $%s today; %s", v.Today, v.Cap, waiting)
	}
	return fmt.Sprintf("$%s of $%s today (UTC)", v.Today, v.Cap)
}

func (v statusView) showServices(g *term.Page) {
	g.Heading("services")
	if len(v.Services) == 0 {
		g.Linef("  none; add a [[service]] to the configuration")
	}
	rows := [][]term.Cell{}
	for _, s := range v.Services {
		look, state, reason := term.None, s.State, s.Reason
		if s.State == serviceDiffers {
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
