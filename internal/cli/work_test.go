package cli

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// TestWorkFitsOnANarrowTerminal guards what is expected and how far work is, at each width.
func TestWorkFitsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	expected := view.Expectation{Expected: now.Add(4 * time.Minute)}
	list := view.List{Now: now, Lines: []view.Line{{
		ID: "ord_1795658160087_7222de9b", State: order.StateWorking, Stage: order.StageGenerate, Attempt: 1, MaxAttempts: 3, Service: "Pictures",
		PriceUSD: "5.00", DueAt: now.Add(24 * time.Hour), Brief: "a red fox in the snow, below an old pine tree", Expectation: expected,
	}}}
	status := view.Status{Work: []view.Work{{
		Order: "ord_1795658160087_7222de9b", Stage: order.StageGenerate, Since: now.Add(-time.Minute), UsualSeconds: 90,
		Progress:    order.Progress{Phase: order.PhaseMaking, Fraction: 0.4, Text: "upscaling the second of several pictures"},
		Expectation: expected,
	}}}
	for _, width := range []int{0, 120, 80, 60, 40} {
		g := &term.Page{Width: width}
		showList(g, list)
		if got := strings.Contains(g.String(), "in 4m"); got != (width == 0 || width >= 80) {
			t.Errorf("%d wide: what is expected is shown: %v\n%s", width, got, g)
		}
		showWork(g, status, now)
		if !strings.Contains(strings.Join(strings.Fields(g.String()), " "), "40%, upscaling") {
			t.Errorf("%d wide: the progress is not shown:\n%s", width, g)
		}
		for line := range strings.Lines(g.String()) {
			if n := term.Columns(strings.TrimRight(line, "\n")); width > 0 && n > width {
				t.Errorf("%d wide: the line takes %d columns: %s", width, n, line)
			}
		}
	}
}
