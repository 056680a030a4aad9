package cli

import (
	"strings"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// mostAttention is how many entries are shown as text.
const mostAttention = 10

func showAttention(g *term.Page, v view.Status, now time.Time) {
	if len(v.Attention) == 0 {
		g.Linef("\n%s", g.Paint(term.Green, "nothing needs you"))
		return
	}
	g.Heading("needs you")
	for _, a := range v.Attention[:min(len(v.Attention), mostAttention)] {
		what, state := a.Subject()
		g.Linef("  %s  %s %s", g.Paint(term.Red, term.Sanitize(what)), state, words.Since(now, a.Since))
		if a.Reason != "" {
			g.Note("    ", term.Line(a.Reason, 300))
		}
		if len(a.Services) > 0 {
			g.Note("    ", "not listed until it works: "+term.Line(strings.Join(a.Services, ", "), 300))
		}
		g.Hint("    ", term.Line(a.Hint, 300))
	}
	if more := len(v.Attention) - mostAttention; more > 0 {
		g.Linef("  and %d more; --json shows all", more)
	}
}
