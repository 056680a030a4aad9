package cli

import (
	"fmt"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

func showRequests(g *term.Page, v view.Requests, now time.Time) {
	g.Heading("requests")
	g.Linef("  %s", v.Summary(now))
	sent := func(n int) string { return fmt.Sprint(n) }
	if v.Unknown {
		sent = func(int) string { return "unknown" }
	}
	rows := [][]term.Cell{term.Headings("kind", "sent", "limit", "refused", "")}
	for _, c := range v.Kinds {
		note := term.Cell{}
		if !c.BlockedUntil.IsZero() {
			note = term.Styled(term.Yellow, "blocked by the marketplace; the next one goes out "+words.Relative(now, c.BlockedUntil))
		}
		rows = append(rows, []term.Cell{
			term.Plain(string(c.Kind)), term.Plain(sent(c.Used)),
			term.Plain(fmt.Sprint(c.Limit)), term.Plain(fmt.Sprint(c.Refused)), note,
		})
	}
	g.Table("  ", rows)
}
