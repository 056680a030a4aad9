// Package trouble keeps a repeated error out of the log: it is logged once,
// counted, and its end is logged with the count. It must not know what failed.
package logonce

import (
	"log/slog"
	"strings"
	"sync"
)

// Trouble follows one thing that can fail again and again. The zero value is
// ready to use, by several goroutines.
type Logger struct {
	mu    sync.Mutex
	last  string
	count int
}

// Failed records a failure; it is logged unless it is the same as the one before.
// args are key and value pairs for the log.
func (t *Logger) Failed(log *slog.Logger, what string, err error, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if t.last != err.Error() {
		t.last = err.Error()
		// Several at once stay in one line.
		log.Error(what, append([]any{"error", strings.ReplaceAll(t.last, "\n", "; ")}, args...)...)
	}
}

// Recovered records success; it is logged if there was a failure before.
func (t *Logger) Recovered(log *slog.Logger, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count > 0 {
		log.Info(what, "failures", t.count)
		t.last, t.count = "", 0
	}
}
