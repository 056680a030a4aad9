//go:build unix

package exec_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/exec"
	"atelierd/internal/generate/gentest"
)

// painter makes a picture and notes each run in $RUNS. Its self-check notes none.
const painter = `echo run >> "$RUNS"; cat > "$OUTPUT_DIR/.order"; ` +
	`printf 'GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377,\0\0\0\0\1\0\1\0\0\2\2D\1\0;' > "$OUTPUT_DIR/a.gif"`

func TestProgramIsAGenerator(t *testing.T) {
	t.Parallel()
	gentest.Kit{
		New: func(t *testing.T) (generate.Generator, func() int) {
			runs := filepath.Join(t.TempDir(), "runs")
			if err := os.WriteFile(runs, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return program(t, painter, runs, slog.DiscardHandler), func() int {
				content, err := os.ReadFile(runs)
				if err != nil {
					t.Error(err)
				}
				return len(content)
			}
		},
		Hanging: func(t *testing.T) (generate.Generator, <-chan struct{}) {
			begun := make(chan struct{})
			return program(t, `trap '' TERM; echo begun >&2; while :; do sleep 1; done`, "/dev/null", &firstLine{Handler: slog.DiscardHandler, seen: begun}), begun
		},
	}.Run(t)
}

func program(t *testing.T, text, runs string, log slog.Handler) *exec.Program {
	t.Helper()
	g, err := exec.New(exec.Options{
		Command: []string{"/bin/sh", "-c", text}, Env: []string{"RUNS=" + runs},
		Grace: 100 * time.Millisecond, Log: slog.New(log), SelfCheck: []string{"test", "-w", runs},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// firstLine closes seen at the first log line.
type firstLine struct {
	slog.Handler
	once sync.Once
	seen chan struct{}
}

func (h *firstLine) Enabled(context.Context, slog.Level) bool { return true }
func (h *firstLine) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *firstLine) Handle(context.Context, slog.Record) error {
	h.once.Do(func() { close(h.seen) })
	return nil
}
