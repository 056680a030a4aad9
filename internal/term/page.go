package term

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Page collects the text that a command shows, and prints it in one write. Callers
// pass text that is safe to show; only Quote takes foreign text.
type Page struct {
	// Width is the width of the terminal in columns, 0 without a terminal.
	Width  int
	text   strings.Builder
	colour bool
}

// NewPage returns a page for w. It has colours on a terminal, unless NO_COLOR is set
// or TERM is dumb.
func NewPage(w io.Writer, getenv func(string) string) *Page {
	g := &Page{}
	if !IsTerminal(w) {
		return g
	}
	g.colour = coloured(w, getenv)
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			g.Width = width
		}
	}
	return g
}

// coloured reports whether w is a terminal whose owner wants colours.
func coloured(w io.Writer, getenv func(string) string) bool {
	return IsTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Height returns the number of lines of a terminal, or 24 if it is unknown.
func Height(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if _, h, err := term.GetSize(int(f.Fd())); err == nil && h > 0 {
			return h
		}
	}
	return 24
}

// Print writes the page to w.
func (g *Page) Print(w io.Writer) error {
	_, err := io.WriteString(w, g.text.String())
	return err
}

// String returns the text of the page.
func (g *Page) String() string { return g.text.String() }

// Linef adds a line.
func (g *Page) Linef(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// Heading begins a section.
func (g *Page) Heading(text string) {
	if g.text.Len() > 0 {
		g.Linef("")
	}
	g.Linef("%s", g.Paint(Bold, text))
}

// Style is how text looks on a terminal.
type Style string

// The styles.
const (
	None   Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Paint returns the text in the style, or as it is without a terminal.
func (g *Page) Paint(s Style, text string) string {
	if !g.colour || s == None || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
}

// Plain returns a cell without a style.
func Plain(text string) Cell { return Cell{Text: text} }

// Styled returns a cell with a style.
func Styled(s Style, text string) Cell { return Cell{Text: text, Style: s} }

// Headings returns the first row of a table.
func Headings(names ...string) []Cell {
	row := make([]Cell, len(names))
	for i, n := range names {
		row[i] = Styled(Dim, n)
	}
	return row
}

// MinLast is the width that the last column of a table keeps on the narrowest
// terminal.
const MinLast = 20

// Fits reports whether a table leaves enough room for its last column. Without a
// terminal every table fits.
func (g *Page) Fits(indent string, rows [][]Cell) bool {
	if g.Width == 0 {
		return true
	}
	total := Columns(indent)
	for i, w := range columnWidths(rows) {
		if len(rows[0]) == i+1 {
			w = MinLast - 2
		}
		total += w + 2
	}
	return total <= g.Width
}

func columnWidths(rows [][]Cell) (widths []int) {
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Columns(c.Text))
		}
	}
	return widths
}

// Table writes rows in aligned columns, indented. On a terminal the last column is
// cut to fit.
func (g *Page) Table(indent string, rows [][]Cell) {
	widths := columnWidths(rows)
	for _, row := range rows {
		var line strings.Builder
		used := Columns(indent)
		for i, c := range row {
			if i == len(row)-1 {
				if g.Width > 0 {
					c.Text = Clip(c.Text, max(g.Width-used, MinLast))
				}
				line.WriteString(g.Paint(c.Style, c.Text))
				break
			}
			gap := strings.Repeat(" ", widths[i]-Columns(c.Text)+2)
			line.WriteString(g.Paint(c.Style, c.Text) + gap)
			used += widths[i] + 2
		}
		g.Linef("%s", strings.TrimRight(indent+line.String(), " "))
	}
}

// Wrap writes a text after the cells of lead. On a terminal that is too narrow the
// text is broken between words and continues below, indented. A command in
// backquotes stays on one line, so that it can be copied.
func (g *Page) Wrap(indent, text string, lead ...Cell) {
	var line strings.Builder
	used := 0
	for _, c := range lead {
		line.WriteString(g.Paint(c.Style, c.Text))
		used += Columns(c.Text)
	}
	begun := false // whether the line has a word of the text
	for _, word := range words(text) {
		width := Columns(word)
		if begun && g.Width > 0 && used+1+width > g.Width {
			g.Linef("%s", line.String())
			line.Reset()
			line.WriteString(indent)
			used, begun = Columns(indent), false
		}
		if begun {
			line.WriteString(" ")
			used++
		}
		line.WriteString(word)
		used, begun = used+width, true
	}
	g.Linef("%s", strings.TrimRight(line.String(), " "))
}

// words splits a text at spaces, but not between a pair of backquotes.
func words(text string) (list []string) {
	begin, quoted := 0, false
	for i, r := range text {
		switch {
		case r == '`':
			quoted = !quoted && strings.Contains(text[i+1:], "`")
		case r == ' ' && !quoted:
			list = append(list, text[begin:i])
			begin = i + 1
		}
	}
	return append(list, text[begin:])
}

// Note writes a text that may take several lines, indented.
func (g *Page) Note(indent, text string) { g.Wrap(indent, text, Plain(indent)) }

// Hint writes a hint: the next step for the owner.
func (g *Page) Hint(indent, text string) {
	g.Wrap(indent, text, Plain(indent), Styled(Dim, "hint:"), Plain(" "))
}

// Quote writes foreign text, sanitized. Each line stands behind a bar, so that it
// does not look like a line of atelierd.
func (g *Page) Quote(text string) {
	for line := range strings.SplitSeq(strings.TrimRight(Text(text), "\n"), "\n") {
		g.Linef("%s", strings.TrimRight("  | "+line, " "))
	}
}

// PrintError prints an error and a hint. Each line of the error gets a prefix. Both
// are sanitized, because they may contain foreign text.
func PrintError(w io.Writer, text, hint string) {
	g := NewPage(w, os.Getenv)
	g.Error(text, hint)
	_ = g.Print(w) // nobody could be shown the failure
}

// Error writes what PrintError prints.
func (g *Page) Error(text, hint string) {
	for line := range strings.Lines(text) {
		g.Wrap("", Sanitize(strings.TrimRight(line, "\n")), Plain("atelierd: "))
	}
	if hint != "" {
		g.Hint("", Sanitize(hint))
	}
}
