package term

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"
)

// LogOptions say how a log is written.
type LogOptions struct {
	Level  string // debug, info, warn or error
	Format string // text, json, or auto, which is text on a terminal and in systemd's journal, and JSON elsewhere
	// Getenv finds NO_COLOR and TERM, which keep colours away from a terminal, and
	// JOURNAL_STREAM.
	Getenv func(string) string
}

// NewLog returns a log that writes to w.
func NewLog(w io.Writer, o LogOptions) *slog.Logger { return newLog(w, o, w) }

// newLog returns a log that writes to w and, in the end, to the terminal or file at end.
func newLog(w io.Writer, o LogOptions, end io.Writer) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(o.Level)); err != nil {
		l = slog.LevelInfo // the command line allows only known levels
	}
	if o.Format == "auto" && inJournal(end, o.Getenv) {
		return newJournal(w, l)
	}
	if o.Format == "text" || o.Format == "auto" && IsTerminal(end) {
		return slog.New(tint.NewTextHandler(lines{w, end}, &tint.Options{
			Level: l, TimeFormat: time.TimeOnly, NoColor: !coloured(end, o.Getenv),
			ReplaceAttr: sanitizeAttr,
		}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// lines writes each line of a log so that a terminal at end breaks it between words.
type lines struct{ w, end io.Writer }

// Write writes one line.
func (l lines) Write(p []byte) (int, error) {
	width, line := columnsOf(l.end), strings.TrimSuffix(string(p), "\n")
	if width == 0 || Columns(line) <= width {
		return l.w.Write(p)
	}
	f := newFiller(width, "  ", "")
	f.text(line)
	if _, err := io.WriteString(l.w, strings.Join(f.end(), "\n")+"\n"); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sanitizeAttr makes a log value safe to show on a terminal.
func sanitizeAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(Sanitize(a.Value.String()))
	}
	return a
}
