package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// demoScreen shows a demo while it goes on: on a terminal as a table redrawn in
// place below what has been said, elsewhere as one line a change.
type demoScreen struct {
	p     *program
	out   io.Writer
	live  bool
	began time.Time
	drawn int            // lines of the table on the screen
	last  demoScene      // what the table shows
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

func newDemoScreen(p *program, toStderr bool, began time.Time) *demoScreen {
	s := &demoScreen{p: p, out: p.stdout, began: began, told: map[int]string{}}
	if toStderr {
		s.out = p.stderr
	}
	s.live = !toStderr && isTerminal(p.stdout) && p.getenv("TERM") != "dumb"
	if s.live {
		fmt.Fprint(s.out, hideCursor)
	}
	return s
}

// say writes a line that stays. Its arguments must be plain.
func (s *demoScreen) say(format string, args ...any) { s.line(none, format, args...) }

// alarm is say for what went wrong on purpose.
func (s *demoScreen) alarm(format string, args ...any) { s.line(red, format, args...) }

func (s *demoScreen) line(look style, format string, args ...any) {
	g := &page{}
	if s.live {
		g = s.p.newPage()
	}
	text := fmt.Sprintf("%6s  %s", s.clock(), g.paint(look, fmt.Sprintf(format, args...)))
	if !s.live {
		fmt.Fprintln(s.out, text)
		return
	}
	s.redraw(text + lineRest + "\n")
}

func (s *demoScreen) clock() string { return seconds(time.Since(s.began)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// show shows the scene.
func (s *demoScreen) show(scene demoScene) {
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
func (s *demoScreen) redraw(said string) {
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
func (s *demoScreen) close() {
	if !s.live {
		return
	}
	s.last = demoScene{}
	s.redraw("")
	fmt.Fprint(s.out, showCursor)
	s.live = false
}

// table is the scene in lines that fit on the terminal.
func (s *demoScreen) table() []string {
	if len(s.last.acts) == 0 {
		return nil
	}
	g := s.p.newPage()
	// The last column of the screen stays free: to clear the rest of a line that
	// fills it takes its last character away.
	g.width = max(g.width, leastWidth) - 1
	rows := [][]cell{headings("", "order", "service", "stage", "time", "what was asked")}
	for _, a := range s.visible() {
		mark := cell{" ", none}
		switch {
		case a.done():
			mark = cell{"✓", green}
		case a.style == yellow:
			mark = cell{s.spinner(), yellow}
		case a.style == red:
			mark = cell{"✗", red}
		}
		rows = append(rows, []cell{mark, plainCell(fmt.Sprintf("%02d", a.no)), plainCell(a.service),
			{fmt.Sprintf("%-13s", a.stage), a.style}, plainCell(fmt.Sprintf("%6s", seconds(a.took))),
			{clip(a.text(), g.width-liveColumns), dim}})
	}
	g.linef("")
	g.table("  ", rows)
	g.linef("")
	daemon := g.paint(green, "the daemon runs")
	if !s.last.alive {
		daemon = g.paint(red, "the daemon is dead")
	}
	g.linef("  %s, %d of %d orders are delivered, %s", daemon, s.last.delivered, len(s.last.acts), s.clock())
	return strings.Split(strings.TrimSuffix(g.text.String(), "\n"), "\n")
}

const (
	// leastWidth is the narrowest terminal that the table is made for.
	leastWidth = 60
	// liveColumns is what the columns before the last take.
	liveColumns = 2 + 3 + 7 + 16 + 15 + 8
)

// visible are the orders that fit in the height of the terminal: when not all
// do, the first that are delivered go.
func (s *demoScreen) visible() []act {
	acts, height := s.last.acts, 24
	if f, ok := s.out.(*os.File); ok {
		if _, h, err := term.GetSize(int(f.Fd())); err == nil && h > 0 {
			height = h
		}
	}
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

func (s *demoScreen) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(time.Since(s.began)/beat)%len(frames)])
}
