package provider

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/generate"
)

// onLine calls itself with each line of a log.
type onLine func(string)

func (f onLine) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }

func TestAPaidAnswerIsKeptUntilTheDiskHasRoom(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": {{status: 200, body: `{"images":["b25l"]}`}}})
	dir := t.TempDir()
	full := filepath.Join(dir, ".result-1.tmp") // where the file is written first
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	waits := 0
	p := s.provider(t, Spec{Type: "a1111", Model: "paint", Log: slog.New(slog.NewTextHandler(onLine(func(line string) {
		if strings.Contains(line, "cannot be stored") {
			waits++
			os.Remove(full)
		}
	}), nil))})
	made, err := p.Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: dir})
	if err != nil || len(made.Files) != 1 || waits != 1 || len(s.requests("POST /sdapi/v1/txt2img")) != 1 {
		t.Errorf("%v, %v, waited %d times, asked %d times", made, err, waits, len(s.requests("POST /sdapi/v1/txt2img")))
	}
}
