package term

import (
	"fmt"
	"io"
	"strings"
)

// Screen shows one page after another in the same place of a terminal. What the terminal
// has shown before comes back at the end.
type Screen struct {
	w      io.Writer
	height func() int
}

// The sequences that a Screen sends, besides text.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // the alternate screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// NewScreen begins to show pages on the terminal w. height returns its lines.
func NewScreen(w io.Writer, height func() int) (*Screen, error) {
	_, err := io.WriteString(w, enterScreen)
	return &Screen{w, height}, err
}

// Draw replaces what is shown, in one write, so that nothing flickers. What does not fit
// is counted in the last line.
func (s *Screen) Draw(g *Page) error {
	lines := strings.Split(strings.TrimRight(g.String(), "\n"), "\n")
	if most := max(s.height(), 2); len(lines) > most {
		rest := len(lines) - most + 1
		lines = append(lines[:most-1], g.Paint(Dim, fmt.Sprintf("%d more lines", rest)))
	}
	var text strings.Builder
	text.WriteString(toTop)
	for i, line := range lines {
		if i > 0 {
			text.WriteString("\r\n")
		}
		text.WriteString(line + clearLine)
	}
	text.WriteString(clearBelow)
	_, err := io.WriteString(s.w, text.String())
	return err
}

// Close shows again what the terminal has shown before.
func (s *Screen) Close() error {
	_, err := io.WriteString(s.w, leaveScreen)
	return err
}
