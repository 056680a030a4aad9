package term

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Bar is the last line of a terminal, which shows how far something is. What is written
// through it comes above. Without a terminal nothing is shown.
type Bar struct {
	w     io.Writer
	width int // 0 without a terminal

	mu   sync.Mutex
	line string
}

// mostBar is the most columns of the bar itself.
const mostBar = 20

// NewBar returns a bar on w, which shows nothing until it is set.
func NewBar(w io.Writer, getenv func(string) string) *Bar {
	b := &Bar{w: w}
	if f, ok := w.(*os.File); ok && IsTerminal(w) && getenv("TERM") != "dumb" {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			b.width = width
		}
	}
	return b
}

// Set shows a text and how much is done, from 0 to 1. At 0, which may be unknown, it shows
// the text alone.
func (b *Bar) Set(fraction float64, text string) {
	if b.width == 0 {
		return
	}
	line := Line(text, 500)
	if columns := min(mostBar, b.width/4); fraction > 0 && columns > 0 {
		full := min(int(fraction*float64(columns)), columns)
		line = fmt.Sprintf("[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", columns-full), line)
	}
	// A line that fills the terminal would wrap.
	line = Clip(line, b.width-1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if line != b.line {
		b.line = line
		_, _ = io.WriteString(b.w, "\r\x1b[K"+line) // it is no output
	}
}

// Clear takes the line away.
func (b *Bar) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line != "" {
		b.line = ""
		_, _ = io.WriteString(b.w, "\r\x1b[K") // it is no output
	}
}

// Write writes above the line.
func (b *Bar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == "" {
		return b.w.Write(p)
	}
	_, err := io.WriteString(b.w, "\r\x1b[K"+string(p)+b.line)
	return len(p), err
}

// Log returns a log that writes above the line.
func (b *Bar) Log(o LogOptions) *slog.Logger { return newLog(b, o, b.w) }
