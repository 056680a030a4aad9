package term_test

import (
	"strings"
	"testing"

	"atelierd/internal/term"
	"atelierd/internal/term/termtest"
)

func TestOnlyATerminalWithoutNoColorGetsAColouredLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		env    map[string]string
		colour bool
	}{
		{"terminal", nil, true},
		{"terminal with NO_COLOR", map[string]string{"NO_COLOR": "1"}, false},
		{"dumb terminal", map[string]string{"TERM": "dumb"}, false},
	} {
		for _, format := range []string{"auto", "text"} {
			terminal := termtest.Open(t, 80)
			o := term.LogOptions{Level: "info", Format: format, Getenv: func(name string) string { return c.env[name] }}
			term.NewLog(terminal.File, o).Warn("direct", "order", "o1")
			log, release := term.NewDetachedLog(terminal.File, o)
			log.Warn("detached", "order", "o1")
			release()
			got := terminal.Close()
			if !strings.Contains(got, "direct") || !strings.Contains(got, "detached") || strings.Contains(got, "\x1b") != c.colour {
				t.Errorf("%s, %s: colours %v, want %v in %q", c.name, format, !c.colour, c.colour, got)
			}
		}
	}
	var file strings.Builder
	term.NewLog(&file, term.LogOptions{Format: "text"}).Warn("direct")
	if strings.Contains(file.String(), "\x1b") {
		t.Errorf("a file got colours: %q", file.String())
	}
}

func TestALogOnATerminalIsBrokenBetweenWords(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{80, 40} {
		terminal := termtest.Open(t, columns)
		log, release := term.NewDetachedLog(terminal.File, term.LogOptions{Level: "info", Format: "auto", Getenv: func(string) string { return "" }})
		log.Warn("the marketplace hides the agent", "order", "ord_1795694258943_b2d04ff0", "reason", strings.Repeat("no wallet is set ", 9), "path", strings.Repeat("/folder", 30))
		release()
		got := terminal.Close()
		for line := range strings.Lines(got) {
			if n := term.Columns(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%d wide: a line has %d columns: %q", columns, n, line)
			}
		}
		if strings.Count(got, "no wallet is") < 2 || strings.Count(got, "/folder") < 5 || strings.Count(got, "\n  ") < 3 {
			t.Errorf("%d wide: got\n%s", columns, got)
		}
	}
}
