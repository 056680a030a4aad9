package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
		w.kept = must(os.Create(filepath.Join(*simKeep, fmt.Sprintf("seed-%d.log", seed))))
		w.log = slog.New(slog.NewTextHandler(w.kept, debug))
	case *simSeed != 0:
		w.log = slog.New(slog.NewTextHandler(os.Stderr, debug))
	}
}

// endLog says how to repeat a failed week, and keeps its data folder with the log.
func (w *world) endLog(seed uint64) {
	if w.t.Failed() {
		w.t.Logf("replay with: go test ./internal/app -run Week -sim.days=%d -sim.seed=%d", *simDays, seed)
	}
	if w.kept == nil {
		return
	}
	w.expect(w.kept.Close())
	if !w.t.Failed() {
		w.expect(os.Remove(w.kept.Name()))
		return
	}
	folder := filepath.Join(*simKeep, fmt.Sprintf("seed-%d", seed))
	w.expect(os.RemoveAll(folder))
	w.expect(copyTree(folder, w.dir))
}
