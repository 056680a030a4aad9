package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Page collects what a command shows to a person and prints it at once. The
// text that it is given must be safe already; only Quote takes foreign text.
type Page struct {
	// Width is that of the terminal in columns; 0 when there is none.
	Width  int
	text   strings.Builder
	colour bool
}

// NewPage returns a page for w. Colours are for terminals, and NO_COLOR and
// TERM=dumb turn them off.
func NewPage(w io.Writer, getenv func(string) string) *Page {
	g := &Page{}
	if !IsTerminal(w) {
		return g
	}
	g.colour = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			g.Width = width
		}
	}
	return g
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Height returns the number of lines of a terminal, 24 where it is unknown.
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

// LeastLast is what the last column of a table keeps on the narrowest terminal.
const LeastLast = 20

// Table writes rows in aligned columns, indented. On a terminal the last
// column is cut to fit.
func (g *Page) Table(indent string, rows [][]Cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		used := utf8.RuneCountInString(indent)
		for i, c := range row {
			if i == len(row)-1 {
				if g.Width > 0 {
					c.Text = Cut(c.Text, max(g.Width-used, LeastLast))
				}
				line.WriteString(g.Paint(c.Style, c.Text))
				break
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.Text)+2)
			line.WriteString(g.Paint(c.Style, c.Text) + gap)
			used += widths[i] + 2
		}
		g.Linef("%s", strings.TrimRight(indent+line.String(), " "))
	}
}

// Wrap writes a text after the painted cells of lead. On a terminal that is too
// narrow the text is broken between words and continues below, indented.
func (g *Page) Wrap(indent, text string, lead ...Cell) {
	var line strings.Builder
	used := 0
	for _, c := range lead {
		line.WriteString(g.Paint(c.Style, c.Text))
		used += utf8.RuneCountInString(c.Text)
	}
	begun := false // whether the line has a word of the text
	for word := range strings.SplitSeq(text, " ") {
		width := utf8.RuneCountInString(word)
		if begun && g.Width > 0 && used+1+width > g.Width {
			g.Linef("%s", line.String())
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
	g.Linef("%s", strings.TrimRight(line.String(), " "))
}

// Note writes a remark below what it is about.
func (g *Page) Note(indent, text string) { g.Wrap(indent, text, Plain(indent)) }

// Hint writes the next step for the owner.
func (g *Page) Hint(indent, text string) {
	g.Wrap(indent, text, Plain(indent), Styled(Dim, "hint:"), Plain(" "))
}

// Quote writes foreign text of several lines, sanitized and each line behind a
// bar, so that it cannot pass for a line of atelierd's own.
func (g *Page) Quote(text string) {
	for line := range strings.SplitSeq(strings.TrimRight(Text(text), "\n"), "\n") {
		g.Linef("%s", strings.TrimRight("  | "+line, " "))
	}
}

// PrintError prints an error, a line for each of its lines, and a hint. Both are
// sanitized, since they may hold a stranger's words.
func PrintError(w io.Writer, text, hint string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "atelierd: %s\n", Sanitize(strings.TrimRight(line, "\n")))
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", Sanitize(hint))
	}
}
