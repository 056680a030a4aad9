package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"atelierd/internal/cli"

	"atelierd/internal/term"
)

// screen shows a demo while it goes on: on a terminal as a table redrawn in
// place below what has been said, elsewhere as one line a change.
type screen struct {
	p     *cli.Program
	out   io.Writer
	live  bool
	began time.Time
	drawn int            // lines of the table on the screen
	last  scene          // what the table shows
	told  map[int]string // the stage of each order that was told last
}

// What the live table asks of a terminal. Without automatic line breaks a line
// that is too wide after all cannot shift the rows.
const (
	hideCursor = "\x1b[?25l\x1b[?7l"
	showCursor = "\x1b[?7h\x1b[?25h"
	lineRest   = "\x1b[K"
	screenRest = "\x1b[J"
)

func newScreen(p *cli.Program, toStderr bool, began time.Time) *screen {
	s := &screen{p: p, out: p.Stdout, began: began, told: map[int]string{}}
	if toStderr {
		s.out = p.Stderr
	}
	s.live = !toStderr && term.IsTerminal(p.Stdout) && p.Getenv("TERM") != "dumb"
	if s.live {
		fmt.Fprint(s.out, hideCursor)
	}
	return s
}

// say writes a line that stays. Its arguments must be plain.
func (s *screen) say(format string, args ...any) { s.line(term.None, format, args...) }

// alarm is say for what went wrong on purpose.
func (s *screen) alarm(format string, args ...any) { s.line(term.Red, format, args...) }

func (s *screen) line(look term.Style, format string, args ...any) {
	g := &term.Page{}
	if s.live {
		g = s.p.Page()
	}
	text := fmt.Sprintf("%6s  %s", s.clock(), g.Paint(look, fmt.Sprintf(format, args...)))
	if !s.live {
		fmt.Fprintln(s.out, text)
		return
	}
	s.redraw(text + lineRest + "\n")
}

func (s *screen) clock() string { return seconds(time.Since(s.began)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// show shows the scene.
func (s *screen) show(scene scene) {
	s.last = scene
	if s.live {
		s.redraw("")
		return
	}
	for _, a := range scene.acts {
		if s.told[a.no] != a.stage {
			s.told[a.no] = a.stage
			fmt.Fprintf(s.out, "%6s  order %02d  %-12s  %-14s  %s\n", s.clock(), a.no, a.stage, a.service, clip(a.text(), 60))
		}
	}
}

// redraw writes said in place of the table, and the table below it, at once.
func (s *screen) redraw(said string) {
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r" + said)
	lines := s.table()
	for _, line := range lines {
		b.WriteString(line + lineRest + "\n")
	}
	b.WriteString(screenRest)
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, b.String()) // a terminal that has gone is no reason to stop
}

// close takes the table away and gives the terminal back.
func (s *screen) close() {
	if !s.live {
		return
	}
	s.last = scene{}
	s.redraw("")
	fmt.Fprint(s.out, showCursor)
	s.live = false
}

// table is the scene in lines that fit on the terminal.
func (s *screen) table() []string {
	if len(s.last.acts) == 0 {
		return nil
	}
	g := s.p.Page()
	// The last column of the screen stays free: to clear the rest of a line that
	// fills it takes its last character away.
	g.Width = max(g.Width, leastWidth) - 1
	rows := [][]term.Cell{term.Headings("", "order", "service", "stage", "time", "what was asked")}
	for _, a := range s.visible() {
		mark := term.Styled(term.None, " ")
		switch {
		case a.done():
			mark = term.Styled(term.Green, "✓")
		case a.style == term.Yellow:
			mark = term.Styled(term.Yellow, s.spinner())
		case a.style == term.Red:
			mark = term.Styled(term.Red, "✗")
		}
		rows = append(rows, []term.Cell{mark, term.Plain(fmt.Sprintf("%02d", a.no)), term.Plain(a.service),
			term.Styled(a.style, fmt.Sprintf("%-13s", a.stage)), term.Plain(fmt.Sprintf("%6s", seconds(a.took))),
			term.Styled(term.Dim, clip(a.text(), g.Width-liveColumns))})
	}
	g.Linef("")
	g.Table("  ", rows)
	g.Linef("")
	daemon := g.Paint(term.Green, "the daemon runs")
	if !s.last.alive {
		daemon = g.Paint(term.Red, "the daemon is dead")
	}
	g.Linef("  %s, %d of %d orders are delivered, %s", daemon, s.last.delivered, len(s.last.acts), s.clock())
	return strings.Split(strings.TrimSuffix(g.String(), "\n"), "\n")
}

const (
	// leastWidth is the narrowest terminal that the table is made for.
	leastWidth = 60
	// liveColumns is what the columns before the last take.
	liveColumns = 2 + 3 + 7 + 16 + 15 + 8
)

// visible are the orders that fit in the height of the terminal: when not all
// do, the first that are delivered go.
func (s *screen) visible() []act {
	acts, height := s.last.acts, term.Height(s.out)
	tooMany := len(acts) - max(height-6, 1)
	var list []act
	for _, a := range acts {
		if tooMany > 0 && a.done() {
			tooMany--
			continue
		}
		list = append(list, a)
	}
	return list[max(tooMany, 0):]
}

func (s *screen) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(time.Since(s.began)/beat)%len(frames)])
}
