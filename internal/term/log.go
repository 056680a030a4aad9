package term

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// NewLog returns the log: text for people on a terminal, JSON otherwise. format
// is text, json or auto; level is debug, info, warn or error, and info when it
// is none of these.
func NewLog(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo // the command line allows nothing else
	}
	terminal := IsTerminal(w)
	if format == "text" || format == "auto" && terminal {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, TimeFormat: time.TimeOnly, NoColor: !terminal,
			ReplaceAttr: sanitizeAttr}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// sanitizeAttr keeps foreign text in a log value from reaching the terminal.
func sanitizeAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(Sanitize(a.Value.String()))
	}
	return a
}
