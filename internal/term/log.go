package term

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// NewLog returns a log that writes to w. The format is text, json or auto, which is
// text on a terminal and JSON elsewhere. The level is debug, info, warn or error.
func NewLog(w io.Writer, level, format string) *slog.Logger {
	return newLog(w, level, format, IsTerminal(w))
}

func newLog(w io.Writer, level, format string, terminal bool) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo // the command line allows only known levels
	}
	if format == "text" || format == "auto" && terminal {
		return slog.New(tint.NewTextHandler(w, &tint.Options{
			Level: l, TimeFormat: time.TimeOnly, NoColor: !terminal,
			ReplaceAttr: sanitizeAttr,
		}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// sanitizeAttr makes a log value safe to show on a terminal.
func sanitizeAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(Sanitize(a.Value.String()))
	}
	return a
}
