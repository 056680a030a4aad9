package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// page collects what a command shows to a person, and is printed at once.
type page struct {
	text   strings.Builder
	colour bool
	width  int // of the terminal; 0 when there is none
}

// newPage makes a page for stdout: colours are for terminals, and only where
// NO_COLOR does not speak against them.
func (p *program) newPage() *page {
	g := &page{}
	if !isTerminal(p.stdout) {
		return g
	}
	g.colour = p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
	if f, ok := p.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			g.width = w
		}
	}
	return g
}

func (g *page) print(w io.Writer) error {
	_, err := io.WriteString(w, g.text.String())
	return err
}

func (g *page) linef(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// heading begins a section.
func (g *page) heading(text string) {
	if g.text.Len() > 0 {
		g.linef("")
	}
	g.linef("%s", g.paint(bold, text))
}

// The styles of a terminal.
type style string

const (
	none   style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

func (g *page) paint(s style, text string) string {
	if !g.colour || s == none || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// cell is one field of a table. Its text must be plain already.
type cell struct {
	text  string
	style style
}

func plainCell(text string) cell { return cell{text: text} }

// headings is the first row of a table.
func headings(names ...string) []cell {
	row := make([]cell, len(names))
	for i, n := range names {
		row[i] = cell{n, dim}
	}
	return row
}

// leastLast is what the last column keeps on the narrowest terminal.
const leastLast = 20

// table writes rows in aligned columns, indented. On a terminal the last
// column is cut to fit.
func (g *page) table(indent string, rows [][]cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		used := utf8.RuneCountInString(indent)
		for i, c := range row {
			if i == len(row)-1 {
				if g.width > 0 {
					c.text = cut(c.text, max(g.width-used, leastLast))
				}
				line.WriteString(g.paint(c.style, c.text))
				break
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2)
			line.WriteString(g.paint(c.style, c.text) + gap)
			used += widths[i] + 2
		}
		g.linef("%s", strings.TrimRight(indent+line.String(), " "))
	}
}

// wrap writes a text behind lead, whose cells are painted. On a terminal that is
// too narrow for it the text is broken between words, and goes on below, indented
// by indent. It must be plain already.
func (g *page) wrap(indent, text string, lead ...cell) {
	var line strings.Builder
	used := 0
	for _, c := range lead {
		line.WriteString(g.paint(c.style, c.text))
		used += utf8.RuneCountInString(c.text)
	}
	begun := false // whether the line has a word of the text
	for word := range strings.SplitSeq(text, " ") {
		width := utf8.RuneCountInString(word)
		if begun && g.width > 0 && used+1+width > g.width {
			g.linef("%s", line.String())
			line.Reset()
			line.WriteString(indent)
			used, begun = utf8.RuneCountInString(indent), false
		}
		if begun {
			line.WriteString(" ")
			used++
		}
		line.WriteString(word)
		used, begun = used+width, true
	}
	g.linef("%s", strings.TrimRight(line.String(), " "))
}

// note writes a line of ours below what it is about, and hint the next step.
func (g *page) note(indent, text string) { g.wrap(indent, text, plainCell(indent)) }

func (g *page) hint(indent, text string) {
	g.wrap(indent, text, plainCell(indent), cell{"hint:", dim}, plainCell(" "))
}

// quote writes foreign text of several lines: escaped, each line behind a bar,
// so that it cannot pass for a line of ours.
func (g *page) quote(text string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\t", "    ")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		g.linef("%s", strings.TrimRight("  | "+plain(line), " "))
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
