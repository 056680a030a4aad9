package term

import (
	"io"
	"log/slog"

	"github.com/lmittmann/tint"
)

// newJournal returns a log for systemd's journal, which adds the time and knows the level
// by a prefix.
func newJournal(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(tint.NewTextHandler(prefixed{w}, &tint.Options{
		Level: level, NoColor: true,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return sanitizeAttr(groups, a)
		},
	}))
}

// priorities are the prefixes of the levels as sd-daemon(3) has them.
var priorities = map[string]string{"ERR": "<3>", "WRN": "<4>", "INF": "<6>", "DBG": "<7>"}

// prefixed writes each line with its priority in front.
type prefixed struct{ io.Writer }

// Write writes one line.
func (p prefixed) Write(line []byte) (int, error) {
	if _, err := io.WriteString(p.Writer, priorities[string(line[:min(len(line), 3)])]+string(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
