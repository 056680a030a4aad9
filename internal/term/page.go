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
	g.Width = columnsOf(w)
	return g
}

// columnsOf returns the width of a terminal, or 0 without one.
func columnsOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// coloured reports whether w is a terminal whose owner wants colours.
func coloured(w io.Writer, getenv func(string) string) bool {
	return IsTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// IsTerminal reports whether a reader or writer is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
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

// Linef adds lines. On a terminal that is too narrow they are broken between words.
func (g *Page) Linef(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		if g.Width == 0 || Columns(line) <= g.Width {
			g.text.WriteString(line + "\n")
			continue
		}
		text := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(text)]
		g.Wrap(indent+"  ", text, Plain(indent))
	}
}

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

// Wrap writes a text after the cells of lead. On a terminal that is too narrow the
// text is broken between words and continues below, indented. A command in
// backquotes stays on one line if it fits there, so that it can be copied.
func (g *Page) Wrap(indent, text string, lead ...Cell) {
	var begin strings.Builder
	for _, c := range lead {
		begin.WriteString(g.Paint(c.Style, c.Text))
	}
	f := newFiller(g.Width, indent, begin.String())
	f.text(text)
	g.write(f)
}

// Command writes a command that is not in a sentence, made of the given words. If it is
// too wide it is broken between them, as a shell reads it.
func (g *Page) Command(indent string, words ...string) {
	f := newFiller(g.Width, indent, indent)
	f.command(words)
	g.write(f)
}

// FitsText reports whether each line of a text fits behind an indent.
func (g *Page) FitsText(indent, text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if g.Width > 0 && Columns(indent)+Columns(line) > g.Width {
			return false
		}
	}
	return true
}

// write adds what a filler has filled.
func (g *Page) write(f *filler) {
	for _, line := range f.end() {
		g.text.WriteString(line + "\n")
	}
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
		g.Wrap("  | ", line, Plain("  | "))
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
