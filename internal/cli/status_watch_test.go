package cli

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/view"
)

func TestAWatchedPageIsDrawnAgainUntilCtrlC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(7*time.Second, stop)
		var out strings.Builder
		pages := 0
		last, err := watchPages(ctx, &out, func() *term.Page {
			pages++
			g := &term.Page{}
			g.Linef("page %d", pages)
			return g
		})
		if err != nil || pages != 4 || last.String() != "page 4\n" {
			t.Errorf("%d pages were drawn, the last is %q, %v", pages, last, err)
		}
		if n := strings.Count(out.String(), "page "); n != 4 {
			t.Errorf("the terminal got %d pages", n)
		}
	})
}

// TestTheStatusFitsOnANarrowTerminal guards each line of the first section.
func TestTheStatusFitsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	yes := true
	v := view.Status{
		BaseURL: "https://api.useatelier.ai/api", DataDir: "/var/lib/atelierd/of/an/agent/with/a/long/path/data",
		Daemon:   view.Daemon{Running: true, PID: 4711, Version: "v1.2.3-45-gabcdef0", Since: now.Add(-26 * time.Hour)},
		Polls:    view.Polls{Answered: now.Add(-2 * time.Minute), Reached: true, Next: now.Add(190 * time.Second), Kept: 9, Limit: 30},
		Agent:    view.AgentHealth{Visible: &yes, Flagged: new(bool), ReadAt: now.Add(-12 * time.Minute)},
		Listings: view.Listings{Listed: 3, Differ: 1, Missing: 1, ReadAt: now.Add(-3 * time.Hour)},
		Generators: []view.GeneratorHealth{
			{Name: "painter"}, {Name: "replicate-with-a-long-name", PausedSince: now.Add(-time.Hour), Reason: "no credit"},
		},
		Disk:     view.Disk{Free: 12_300_000_000},
		Oldest:   &view.Waiting{ID: "ord_1795658160087_7222de9b", Service: "Pictures", Since: now.Add(-130 * time.Minute)},
		Near:     []view.Waiting{{ID: "ord_1795658160087_7222de9b", DueAt: now.Add(43 * time.Minute)}},
		Webhooks: view.Webhooks{Listen: "127.0.0.1:8080"},
	}
	for _, width := range []int{40, 80} {
		g := &term.Page{Width: width}
		showDaemon(g, v, now)
		for line := range strings.Lines(g.String()) {
			if n := term.Columns(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d wide: a line takes %d columns: %s", width, n, line)
			}
		}
	}
	g := &term.Page{}
	showDaemon(g, v, now)
	for _, want := range []string{
		"atelierd is running (pid 4711) for 26h, version v1.2.3-45-gabcdef0\n",
		"  polls        the last was answered 2m ago, next in 3m10s, 9 of 30 requests kept for deliveries\n",
		"  agent        visible, not flagged (read 12m ago)\n",
		"  listings     2 as configured, 1 otherwise, 1 not listed (read 3h ago)\n",
		"  generators   painter works, replicate-with-a-long-name paused 1h ago\n",
		"  oldest       order ord_1795658160087_7222de9b has waited for 2h 10m\n",
		"  due soon     order ord_1795658160087_7222de9b in 43m\n",
	} {
		if !strings.Contains(g.String(), want) {
			t.Errorf("%q is not in\n%s", want, g)
		}
	}
}
