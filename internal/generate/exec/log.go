package exec

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	"atelierd/internal/term"
)

const (
	maxLine    = 4 << 10
	maxTail    = 4 << 10
	shownLines = 200
	maxMessage = 2000 // what the marketplace's guide allows for a message
)

// lineLog takes what a program writes, cuts it into lines, and gives them to
// the log: the first shownLines of a run, then only their count. Only one
// goroutine writes to it at a time.
type lineLog struct {
	log *slog.Logger
	// redacted comes first: lines and the tail are cut from clean text only.
	redacted redactedStream
	line     []byte
	reset    bool // a carriage return came: what follows replaces the line
	lines    int
	last     string
	kept     string
}

func newLineLog(log *slog.Logger, redact *redactor) *lineLog {
	return &lineLog{log: log, redacted: redactedStream{redactor: redact}}
}

// Write never fails, so that the program is never blocked.
func (l *lineLog) Write(p []byte) (int, error) {
	l.add(l.redacted.next(string(p)))
	return len(p), nil
}

// add takes clean text, and ends the lines in it.
func (l *lineLog) add(text string) {
	for _, b := range []byte(text) {
		switch b {
		case '\n':
			l.emit(true)
		case '\r':
			l.reset = true // a progress bar: only its last state is worth a line
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
	if strings.TrimSpace(text) == "" {
		return
	}
	if keep {
		l.last = text
		l.kept = lastBytes(l.kept+text+"\n", maxTail)
	}
	l.lines++
	if l.lines <= shownLines {
		l.log.Info("generator says", "line", text)
	}
}

// finish ends the last line, logs stdout when it is text and no manifest, and
// gives the last line that was said. Text on stdout only counts as said when
// stderr is empty.
func (l *lineLog) finish(stdout []byte) string {
	l.add(l.redacted.end())
	l.emit(true)
	if !isManifest(stdout) {
		keep := l.last == ""
		for line := range strings.Lines(l.redacted.next(string(stdout)) + l.redacted.end()) {
			line = strings.TrimRight(line, "\r\n")
			l.line = append(l.line, line[:min(len(line), maxLine)]...)
			l.emit(keep)
		}
	}
	if more := l.lines - shownLines; more > 0 {
		l.log.Warn("the generator said more than is logged", "lines", more)
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
