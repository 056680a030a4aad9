// Package logonce keeps a repeated error out of the log. The first of a row of
// equal errors is logged, the rest are counted, and the end is logged with the
// count.
//
// It must not know what failed.
package logonce

import (
	"log/slog"
	"strings"
	"sync"
)

// Logger follows one operation that is repeated and can fail. The zero value is
// ready to use, and safe for concurrent use.
type Logger struct {
	mu    sync.Mutex
	last  string
	count int
}

// Failed records a failure. It logs an error line unless the error is equal to the
// one before. args are further key and value pairs for that line.
func (t *Logger) Failed(log *slog.Logger, what string, err error, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if t.last != err.Error() {
		t.last = err.Error()
		// Joined errors stay on one line.
		//nolint:sloglint // the caller's message is a constant
		log.Error(what, append([]any{"error", strings.ReplaceAll(t.last, "\n", "; ")}, args...)...)
	}
}

// Recovered records a success. It logs an info line with the number of failures if
// there was one since the last success.
func (t *Logger) Recovered(log *slog.Logger, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count > 0 {
		//nolint:sloglint // the caller's message is a constant
		log.Info(what, "failures", t.count)
		t.last, t.count = "", 0
	}
}
