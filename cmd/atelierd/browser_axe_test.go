package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// envAxe names the file of axe-core, which .ci/axe fetches.
const envAxe = "AXE_CORE"

// TestPagesAreAccessible has axe-core look at each page, on a phone and on a laptop, in both
// colours. It finds nothing serious.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	if os.Getenv(envAxe) == "" {
		t.Skip("axe-core is not here, so it did not look at the pages; .ci/axe fetches it")
	}
	axe := string(must(os.ReadFile(os.Getenv(envAxe))))
	s := newConsole(t)
	daemon := s.start()
	id, priced := "", ""
	for _, l := range []looks{phone, {width: 390, height: 844, dark: true}, laptop, {width: 1440, height: 900, dark: true}} {
		b := s.logIn(t, l)
		if id == "" {
			id, priced = s.ordered("a heron at dawn", "Pictures", "held"), s.ordered("unpaid mural", "Murals", "held")
		}
		for _, path := range []string{"/", "/orders", "/orders/" + id, "/orders/" + priced, "/inbox", "/money", "/services", "/generators", "/bounties", "/history", "/login"} {
			b.visit(path)
			b.accessible(axe, l.String()+" "+path)
		}
	}
	s.stop(daemon)
}

// accessible fails the test for each serious fault that axe-core finds on the page.
func (b *tab) accessible(axe, where string) {
	b.Helper()
	const run = `;axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r => JSON.stringify(
		r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" | "))))`
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](axe+run, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", where, err)
	}
	var found []string
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.Fatal(err)
	}
	if len(found) > 0 {
		b.Errorf("%s: %s", where, fmt.Sprintf("%.1500s", strings.Join(found, "\n")))
	}
}
