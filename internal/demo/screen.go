package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/term"
)

// screen shows a running demo. On a terminal it is a log with a table below it that
// is redrawn in place; elsewhere it is one line for each change.
type screen struct {
	p     *cli.Program
	out   io.Writer
	live  bool
	began time.Time
	drawn int            // lines of the table on the screen
	last  snapshot       // what the table shows
	shown map[int]string // the last stage shown of each order, by its number
}

// Control sequences for the live table. Automatic line breaks are turned off, so
// that a line that is too wide cannot shift the rows.
const (
	hideCursor = "\x1b[?25l\x1b[?7l"
	showCursor = "\x1b[?7h\x1b[?25h"
	lineRest   = "\x1b[K"
	screenRest = "\x1b[J"
)

func newScreen(p *cli.Program, toStderr bool, began time.Time) *screen {
	s := &screen{p: p, out: p.Stdout, began: began, shown: map[int]string{}}
	if toStderr {
		s.out = p.Stderr
	}
	s.live = !toStderr && term.IsTerminal(p.Stdout) && p.Getenv("TERM") != "dumb"
	if s.live {
		fmt.Fprint(s.out, hideCursor)
	}
	return s
}

// say writes a line that stays. Its arguments must be safe to show.
func (s *screen) say(format string, args ...any) { s.line(term.None, format, args...) }

// alarm is say in red.
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

// show shows the orders.
func (s *screen) show(now snapshot) {
	s.last = now
	if s.live {
		s.redraw("")
		return
	}
	for _, o := range now.orders {
		if s.shown[o.no] != o.stage {
			s.shown[o.no] = o.stage
			fmt.Fprintf(s.out, "%6s  order %02d  %-12s  %-14s  %s\n", s.clock(), o.no, o.stage, o.service, term.Clip(o.text(), 60))
		}
	}
}

// redraw replaces the table by the text, and draws the table again below it, in one
// write.
func (s *screen) redraw(text string) {
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r" + text)
	lines := s.table()
	for _, line := range lines {
		b.WriteString(line + lineRest + "\n")
	}
	b.WriteString(screenRest)
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, b.String()) // a closed terminal does not stop the demo
}

// close removes the table and restores the terminal.
func (s *screen) close() {
	if !s.live {
		return
	}
	s.last = snapshot{}
	s.redraw("")
	fmt.Fprint(s.out, showCursor)
	s.live = false
}

// table returns the table as lines that fit on the terminal.
func (s *screen) table() []string {
	if len(s.last.orders) == 0 {
		return nil
	}
	g := s.p.Page()
	// The last column of the terminal stays free: clearing the rest of a line that
	// fills it would remove its last character.
	g.Width = max(g.Width, minWidth) - 1
	rows := [][]term.Cell{term.Headings("", "order", "service", "stage", "time", "what was asked")}
	for _, o := range s.visible() {
		mark := term.Styled(term.None, " ")
		switch {
		case o.done():
			mark = term.Styled(term.Green, "✓")
		case o.style == term.Yellow:
			mark = term.Styled(term.Yellow, s.spinner())
		case o.style == term.Red:
			mark = term.Styled(term.Red, "✗")
		}
		rows = append(rows, []term.Cell{
			mark, term.Plain(fmt.Sprintf("%02d", o.no)), term.Plain(o.service),
			term.Styled(o.style, fmt.Sprintf("%-13s", o.stage)), term.Plain(fmt.Sprintf("%6s", seconds(o.took))),
			term.Styled(term.Dim, term.Clip(o.text(), g.Width-liveColumns)),
		})
	}
	g.Linef("")
	g.Table("  ", rows)
	g.Linef("")
	daemon := g.Paint(term.Green, "the daemon runs")
	if !s.last.alive {
		daemon = g.Paint(term.Red, "the daemon is dead")
	}
	g.Linef("  %s, %d of %d orders are delivered, %s", daemon, s.last.delivered, len(s.last.orders), s.clock())
	return strings.Split(strings.TrimSuffix(g.String(), "\n"), "\n")
}

const (
	// minWidth is the narrowest terminal that the table fits on.
	minWidth = 60
	// liveColumns is the width of all columns but the last.
	liveColumns = 2 + 3 + 7 + 16 + 15 + 8
)

// visible returns the orders that fit on the height of the terminal. If there are
// too many, those that were delivered first are left out.
func (s *screen) visible() []progress {
	orders, height := s.last.orders, term.Height(s.out)
	tooMany := len(orders) - max(height-6, 1)
	var list []progress
	for _, o := range orders {
		if tooMany > 0 && o.done() {
			tooMany--
			continue
		}
		list = append(list, o)
	}
	return list[max(tooMany, 0):]
}

func (s *screen) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(time.Since(s.began)/interval)%len(frames)])
}
