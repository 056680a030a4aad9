package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestOnlyATerminalWithoutNoColorGetsColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to try: %v", err)
	}
	defer terminal.Close()
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
		p := &program{stdout: c.stdout, getenv: func(name string) string { return c.env[name] }}
		g := p.newPage()
		g.heading("orders")
		want := "orders\n"
		if c.colour {
			want = "\x1b[1morders\x1b[0m\n"
		}
		if got := g.text.String(); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

func TestATableIsAlignedAndItsLastColumnCutToFit(t *testing.T) {
	g := &page{colour: true, width: 30}
	g.table("  ", [][]cell{headings("state", "brief"), {{"held", red}, plainCell(strings.Repeat("x", 40))}, {plainCell("ümläut"), plainCell("y")}})
	want := "  \x1b[2mstate\x1b[0m   \x1b[2mbrief\x1b[0m\n" +
		"  \x1b[31mheld\x1b[0m    " + strings.Repeat("x", 19) + "…\n" +
		"  ümläut  y\n"
	if got := g.text.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestForeignTextStaysBehindItsBar(t *testing.T) {
	g := &page{}
	g.quote("one\r\n\x1b[2J\rtwo\n\n\tthree\xff\n")
	want := "  | one\n  | \\x1b[2J\\rtwo\n  |\n  |     three\\xff\n"
	if got := g.text.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestTimesReadAsPeopleSayThem(t *testing.T) {
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
		if got := relative(now, now.Add(c.off)); got != c.relative {
			t.Errorf("relative %v: got %q, want %q", c.off, got, c.relative)
		}
		if got := deadline(now, now.Add(c.off)); got != c.late {
			t.Errorf("deadline %v: got %q, want %q", c.off, got, c.late)
		}
	}
	if got := relative(now, time.Time{}) + deadline(now, time.Time{}); got != "--" {
		t.Errorf("no time at all reads %q", got)
	}
}

func TestJSONHoldsNothingThatATerminalObeys(t *testing.T) {
	var out strings.Builder
	const text = "a\u009b2J \u202e \U000e0041 <&> ü \U0001f98a"
	if err := printJSON(&out, []string{text}); err != nil {
		t.Fatal(err)
	}
	want := "[\n  \"a\\u009b2J \\u202e \\udb40\\udc41 <&> ü \U0001f98a\"\n]\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestAHintNamesOnlyIDsThatAShellTakesAsTheyAre(t *testing.T) {
	for id, want := range map[string]string{"ord_1795489855907_b2d04ff0": "ord_1795489855907_b2d04ff0",
		"x; rm -rf ~": "ORDER", "$(id)": "ORDER", "a`b": "ORDER", "--fresh": "ORDER", "ü": "ORDER"} {
		if got := typed(id); got != want {
			t.Errorf("typed(%q) is %q, want %q", id, got, want)
		}
	}
}

func TestLongLinesAreBrokenBetweenWordsOnATerminal(t *testing.T) {
	for width, want := range map[int]string{
		0:  "  hint: mend it, then start again with averylongword\n",
		24: "  hint: mend it, then\n  start again with\n  averylongword\n",
		10: "  hint: mend\n  it, then\n  start\n  again\n  with\n  averylongword\n",
	} {
		g := &page{width: width}
		g.hint("  ", "mend it, then start again with averylongword")
		if got := g.text.String(); got != want {
			t.Errorf("%d wide: got\n%q, want\n%q", width, got, want)
		}
	}
}
