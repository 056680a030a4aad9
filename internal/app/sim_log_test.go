package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// This file keeps the daemon's log of a simulated week. Weeks run several goroutines at
// the same simulated moment, so a failed one does not always fail again.

// beginLog opens the log of the week's daemon: standard error for a single seed, and a
// file with -sim.keep.
func (w *world) beginLog(seed uint64) {
	w.log = slog.New(slog.DiscardHandler)
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	switch {
	case *simKeep != "":
		w.expect(os.MkdirAll(*simKeep, 0o700))
		w.kept = createNew(filepath.Join(*simKeep, fmt.Sprintf("seed-%d", seed)))
		w.log = slog.New(slog.NewTextHandler(w.kept, debug))
	case *simSeed != 0:
		w.log = slog.New(slog.NewTextHandler(os.Stderr, debug))
	}
}

// createNew creates the log of a week next to those that are there: the same seed may run
// twice at a time, as a fixed and as a drawn one.
func createNew(base string) *os.File {
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		f, err := os.OpenFile(name+logSuffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return must(f, err)
		}
	}
}

// logSuffix is what the name of a log has more than that of its data folder.
const logSuffix = ".log"

// endLog says how to repeat a failed week, and keeps its data folder with the log.
func (w *world) endLog(seed uint64) {
	if w.t.Failed() {
		w.t.Logf("replay with: go test ./internal/app -run Week -sim.storage=%v -sim.assistant=%v -sim.days=%d -sim.seed=%d", *simStorage, *simAssistant, *simDays, seed)
	}
	if w.kept == nil {
		return
	}
	w.expect(w.kept.Close())
	if !w.t.Failed() {
		w.expect(os.Remove(w.kept.Name()))
		return
	}
	folder := strings.TrimSuffix(w.kept.Name(), logSuffix)
	w.expect(copyTree(folder, w.dir))
	w.t.Logf("the data folder is kept in %s, and the daemon's log is next to it", folder)
}
