package cli

import (
	"cmp"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// noText stands for the text of a message that is no longer kept.
const noText = "(its text is no longer kept)"

func showThread(g *term.Page, v view.Thread, now time.Time) {
	if !v.ReadAt.IsZero() {
		g.Linef("%s", g.Paint(term.Dim, "read "+words.Relative(now, v.ReadAt)))
	}
	for _, m := range v.Messages {
		who := string(m.Party)
		if m.Party == order.PartyOther {
			who = m.Sender
		}
		g.Linef("%s  %s", g.Paint(term.Bold, term.Line(who, 40)), g.Paint(term.Dim, words.Relative(now, m.At)))
		g.Quote(cmp.Or(m.Text, noText))
	}
	for _, m := range v.Outbox {
		if m.InThread {
			continue // it is shown above
		}
		g.Wrap("  ", term.Line(m.Fate(now), longWait), term.Styled(term.Bold, "agent"), term.Plain(", "+term.Sanitize(view.MessageName(m.Reason))+"  "))
		missing := "(not written yet)"
		if m.Tries > 0 {
			missing = noText
		}
		g.Quote(cmp.Or(m.Text, missing))
	}
}
