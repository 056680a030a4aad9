package term_test

import (
	"fmt"
	"strings"
	"testing"

	"atelierd/internal/term"
)

// shown replays what a screen has written, and returns what a terminal then shows.
func shown(t *testing.T, text string) []string {
	t.Helper()
	var lines []string
	at := 0
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b[H"):
			at, text = 0, text[3:]
		case strings.HasPrefix(text, "\x1b[K"):
			text = text[3:] // the rest of the line is written again below
		case strings.HasPrefix(text, "\x1b[J"):
			lines, text = lines[:at+1], text[3:]
		case strings.HasPrefix(text, "\r\n"):
			at, text = at+1, text[2:]
		default:
			line := text
			if end := strings.IndexAny(text, "\x1b\r"); end >= 0 {
				line = text[:end]
			}
			if line == "" {
				t.Fatalf("the terminal does not know %q", text)
			}
			text = text[len(line):]
			for len(lines) <= at {
				lines = append(lines, "")
			}
			if !strings.HasPrefix(text, "\x1b[K") && len(lines[at]) > len(line) {
				line += lines[at][len(line):] // what was there is still seen
			}
			lines[at] = line
		}
	}
	return lines
}

func TestAScreenShowsOnlyTheLastPage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s, err := term.NewScreen(&out, func() int { return 4 })
	if err != nil {
		t.Fatal(err)
	}
	begun := out.Len()
	for _, lines := range []int{9, 2, 3} {
		g := &term.Page{}
		for i := range lines {
			g.Linef("line %d of %s", i, strings.Repeat("x", lines))
		}
		if err := s.Draw(g); err != nil {
			t.Fatal(err)
		}
		got := shown(t, out.String()[begun:])
		var want []string
		for i := range min(lines, 4) {
			want = append(want, fmt.Sprintf("line %d of %s", i, strings.Repeat("x", lines)))
		}
		if lines > 4 {
			want[3] = fmt.Sprintf("%d more lines", lines-3)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the terminal shows %q, want %q", got, want)
		}
	}
	if err := s.Close(); err != nil || !strings.HasPrefix(out.String(), "\x1b[?1049h") || !strings.HasSuffix(out.String(), "\x1b[?1049l") {
		t.Errorf("the screen is not left as it was: %v", err)
	}
}
