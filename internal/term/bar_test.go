package term_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/term"
	"atelierd/internal/term/termtest"
)

// rows returns what a terminal shows after it was written to, line by line.
func rows(written string) []string {
	var list []string
	for line := range strings.SplitSeq(written, "\n") {
		drawn := strings.Split(line, "\r\x1b[K")
		list = append(list, drawn[len(drawn)-1])
	}
	return list
}

// TestABarIsOneLineBelowTheLog guards that a line of the log does not end up in the bar,
// and that no bar is wider than the terminal.
func TestABarIsOneLineBelowTheLog(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	for _, width := range []int{80, 40, 12, 3} {
		terminal := termtest.Open(t, width)
		b := term.NewBar(terminal.File, none)
		b.Set(0, "making\na sample")
		b.Set(0.5, "making 世界 "+strings.Repeat("x", 200))
		if _, err := b.Write([]byte("a line\n")); err != nil {
			t.Error(err)
		}
		got := rows(terminal.Close())
		if len(got) != 2 || got[0] != "a line" || term.Columns(got[1]) >= width {
			t.Errorf("%d columns show %q", width, got)
		}
		if width == 80 && !strings.HasPrefix(got[1], "[##########..........] making 世界 xxx") {
			t.Errorf("half is %q", got[1])
		}
	}
	terminal := termtest.Open(t, 80)
	b := term.NewBar(terminal.File, none)
	b.Set(7, "all")
	b.Clear()
	b.Log(term.LogOptions{Format: "auto", Getenv: none}).Warn("after it")
	if got := rows(terminal.Close()); len(got) != 2 || !strings.Contains(got[0], "after it") || strings.Contains(got[0], "all") {
		t.Errorf("a bar that was taken away leaves %q", got)
	}
}

func TestWithoutATerminalThereIsNoBar(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dumb := termtest.Open(t, 80)
	for _, b := range []*term.Bar{
		term.NewBar(f, func(string) string { return "" }),
		term.NewBar(dumb.File, func(string) string { return "dumb" }),
	} {
		b.Set(0.5, "half")
		_, _ = b.Write([]byte("a line\n"))
		b.Clear()
	}
	written, err := os.ReadFile(name)
	if got := []string{string(written), dumb.Close()}; err != nil || !slices.Equal(got, []string{"a line\n", "a line\n"}) {
		t.Errorf("%q was written, %v", got, err)
	}
}
