package exec

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

const (
	maxLine    = 4 << 10
	maxTail    = 4 << 10
	shownLines = 200
	maxMessage = 2000 // what the marketplace's guide allows for a message
)

// lineLog splits what a program writes into lines and logs them: the first
// shownLines of a run, then only their count. Lines that report progress are passed on
// instead. One goroutine writes to it at a time.
type lineLog struct {
	log    *slog.Logger
	report func(order.Progress) // nil for nobody
	// redacted comes first, so that lines and the tail are cut from clean text only.
	redacted secret.Stream
	line     []byte
	reset    bool // after a carriage return: what follows replaces the line
	lines    int
	last     string
	kept     string
}

func newLineLog(log *slog.Logger, redact *secret.Redactor) *lineLog {
	return &lineLog{log: log, redacted: secret.Stream{Redactor: redact}}
}

// Write never fails, because an error would block the program.
func (l *lineLog) Write(p []byte) (int, error) {
	l.add(l.redacted.Next(string(p)))
	return len(p), nil
}

// add takes clean text and logs each line that ends in it.
func (l *lineLog) add(text string) {
	for _, b := range []byte(text) {
		switch b {
		case '\n':
			l.emit(true)
		case '\r':
			l.reset = true // a progress bar, of which only the last state is worth a line
			l.progress(string(l.line))
		default:
			if l.reset {
				l.line, l.reset = l.line[:0], false
			}
			if len(l.line) < maxLine {
				l.line = append(l.line, b)
			}
		}
	}
}

// emit ends the current line.
func (l *lineLog) emit(keep bool) {
	text := term.Text(string(l.line))
	l.line, l.reset = l.line[:0], false
	if strings.TrimSpace(text) == "" || l.progress(text) {
		return
	}
	if keep {
		l.last = text
		l.kept = lastBytes(l.kept+text+"\n", maxTail)
	}
	l.lines++
	if l.lines <= shownLines {
		l.log.Info("generator output", "line", text)
	}
}

// finish logs the last line, and stdout too except for a manifest. It returns
// the last line on stderr, or on stdout when stderr is empty.
func (l *lineLog) finish(stdout []byte) string {
	l.add(l.redacted.End())
	l.emit(true)
	object, text := splitManifest(stdout)
	keep := l.last == "" && len(object) == 0
	for line := range strings.Lines(l.redacted.Next(string(text)) + l.redacted.End()) {
		line = strings.TrimRight(line, "\r\n")
		l.line = append(l.line, line[:min(len(line), maxLine)]...)
		l.emit(keep)
	}
	if more := l.lines - shownLines; more > 0 {
		l.log.Warn("generator output truncated", "lines", more)
	}
	return l.last
}

func (l *lineLog) tail() string { return l.kept }

func lastBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	from := len(s) - n
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return s[from:]
}
