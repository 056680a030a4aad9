package term_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"atelierd/internal/term"
	"atelierd/internal/term/termtest"
	"atelierd/internal/words"
)

func TestOnlyATerminalWithoutNoColorGetsColours(t *testing.T) {
	t.Parallel()
	terminal := termtest.Open(t, 80).File
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		name   string
		stdout *os.File
		env    map[string]string
		colour bool
	}{
		{"terminal", terminal, nil, true},
		{"terminal with NO_COLOR", terminal, map[string]string{"NO_COLOR": "1"}, false},
		{"dumb terminal", terminal, map[string]string{"TERM": "dumb"}, false},
		{"file", file, nil, false},
	} {
		getenv := func(name string) string { return c.env[name] }
		g := term.NewPage(c.stdout, getenv)
		g.Heading("orders")
		want := "orders\n"
		if c.colour {
			want = "\x1b[1morders\x1b[0m\n"
		}
		if got := g.String(); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

func TestATableIsAlignedAndItsLastColumnCutToFit(t *testing.T) {
	t.Parallel()
	g := &term.Page{Width: 30}
	g.Table("  ", [][]term.Cell{term.Headings("state", "brief"), {term.Styled(term.Red, "held"), term.Plain(strings.Repeat("x", 40))}, {term.Plain("ümläut"), term.Plain("y")}})
	want := "  state   brief\n" +
		"  held    " + strings.Repeat("x", 19) + "…\n" +
		"  ümläut  y\n"
	if got := g.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestATableFitsIfItsLastColumnHasRoom(t *testing.T) {
	t.Parallel()
	rows := [][]term.Cell{{term.Plain("0123456789"), term.Plain(strings.Repeat("x", 99))}}
	for width, want := range map[int]bool{0: true, 33: false, 34: true} {
		g := &term.Page{Width: width}
		if got := g.Fits("  ", rows); got != want {
			t.Errorf("%d wide: fits is %v, want %v", width, got, want)
		}
	}
}

func TestForeignTextStaysBehindItsBar(t *testing.T) {
	t.Parallel()
	g := &term.Page{}
	g.Quote("one\r\n\x1b[2J\rtwo\n\n\tthree\xff\n")
	want := "  | one\n  | \\x1b[2J\\rtwo\n  |\n  |     three\\xff\n"
	if got := g.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestTimesReadAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		off            time.Duration
		relative, late string
	}{
		{12500 * time.Millisecond, "in 12s", "in 12s"},
		{43 * time.Minute, "in 43m", "in 43m"},
		{0, "0s ago", "0s late"},
		{-time.Minute, "1m ago", "1m late"},
		{-5 * time.Hour, "5h ago", "5h late"},
		{-5*time.Hour - 12*time.Minute, "5h 12m ago", "5h 12m late"},
		{75 * time.Hour, "in 3d", "in 3d"},
	} {
		if got := words.Relative(now, now.Add(c.off)); got != c.relative {
			t.Errorf("relative %v: got %q, want %q", c.off, got, c.relative)
		}
		if got := words.Deadline(now, now.Add(c.off)); got != c.late {
			t.Errorf("deadline %v: got %q, want %q", c.off, got, c.late)
		}
	}
	if got := words.Relative(now, time.Time{}) + words.Deadline(now, time.Time{}); got != "--" {
		t.Errorf("no time at all reads %q", got)
	}
}

func TestJSONHoldsNothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	const text = "a\u009b2J \u202e \U000e0041 <&> ü \U0001f98a"
	if err := term.PrintJSON(&out, []string{text}); err != nil {
		t.Fatal(err)
	}
	want := "[\n  \"a\\u009b2J \\u202e \\udb40\\udc41 <&> ü \U0001f98a\"\n]\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestLongLinesAreBrokenBetweenWords(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0:  "  hint: fix it, then run `atelierd orders retry ord_1` again\n",
		37: "  hint: fix it, then run\n  `atelierd orders retry ord_1` again\n",
		31: "  hint: fix it, then run\n  `atelierd orders retry ord_1`\n  again\n",
		// A command is continued as a shell reads it.
		20: "  hint: fix it, then\n  run\n  `atelierd orders \\\n  retry ord_1` again\n",
	} {
		g := &term.Page{Width: width}
		g.Hint("  ", "fix it, then run `atelierd orders retry ord_1` again")
		if got := g.String(); got != want {
			t.Errorf("%d wide: got\n%s, want\n%s", width, got, want)
		}
	}
}

func TestAWordWiderThanTheTerminalIsBrokenAtItsSigns(t *testing.T) {
	t.Parallel()
	g := &term.Page{Width: 16}
	g.Note("  ", "see /var/lib/atelierd/data/artifacts/file.png and "+strings.Repeat("x", 20))
	want := "  see\n  /var/lib/\n  atelierd/data/\n  artifacts/\n  file.png and\n  xxxxxxxxxxxxxx\n  xxxxxx\n"
	if got := g.String(); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	text := "a " + strings.Repeat("界", 30) + " `atelierd orders retry " + strings.Repeat("o", 70) + "` ümläut\u0301 " + strings.Repeat("/x", 60)
	for width := 10; width < 90; width++ {
		g := &term.Page{Width: width}
		g.Linef("  %s", text)
		g.Hint("  ", text)
		g.Quote(text)
		g.Error(text, text)
		g.Command("  ", strings.Fields(text)...)
		g.Table("  ", [][]term.Cell{{term.Plain("name"), term.Plain(text)}, {term.Plain(text), term.Plain("x")}})
		g.Table("  ", [][]term.Cell{term.Headings("order", "state", "brief"), {term.End("ord_1"), term.Plain(text), term.Plain(text)}})
		for line := range strings.Lines(g.String()) {
			if n := term.Columns(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d wide: a line has %d columns: %s", width, n, line)
			}
		}
		for _, piece := range []string{"界", "o", "/x"} {
			if got, want := strings.Count(g.String(), piece), strings.Count(text, piece)*5; width > 12 && got < want {
				t.Errorf("%d wide: %q is there %d times, want %d", width, piece, got, want)
			}
		}
	}
}
