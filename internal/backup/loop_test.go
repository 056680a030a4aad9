package backup_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/beat"
	"atelierd/internal/order"
	"atelierd/internal/store/storetest"
)

// runLoop runs a loop over a fixture until the end of the test.
func runLoop(t *testing.T, f *fixture, s backup.Settings) (*backup.Loop, *beat.Loops) {
	l := backup.NewLoop(backup.LoopOptions{
		Settings: s, Store: f.store, Log: slog.New(slog.DiscardHandler),
		Source: func() (backup.Source, error) { return f.source(), nil },
	})
	loops := &beat.Loops{}
	ctx, cancel := context.WithCancel(t.Context())
	in, end := loops.Start(ctx, "backup")
	var running sync.WaitGroup
	running.Go(func() {
		defer end()
		if err := l.Run(in); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return l, loops
}

func (f *fixture) last() (l backup.Last, alert string) {
	f.t.Helper()
	value, err := f.store.Fact(f.t.Context(), backup.FactLast)
	f.must(err)
	l, _ = backup.ReadLast(value)
	alert, err = f.store.Fact(f.t.Context(), string(order.AlertBackup.Code()))
	f.must(err)
	return l, alert
}

// TestTheLoopBacksUpWhenItIsDue: at once where there is no backup, then each time that the
// interval has passed, and as many stay as the owner wants.
func TestTheLoopBacksUpWhenItIsDue(t *testing.T) {
	t.Parallel()
	data, to := storetest.Dir(t), filepath.Join(t.TempDir(), "copies")
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureIn(t, data, "o1")
		l, loops := runLoop(t, f, backup.Settings{To: to, Every: 24 * time.Hour, Keep: 2, Credentials: true})
		began := time.Now()
		time.Sleep(time.Hour)
		if last, alert := f.last(); last.At.Sub(began).Abs() > time.Minute || last.Files != 1 || alert != "" {
			t.Errorf("the first backup is %+v, %q", last, alert)
		}
		time.Sleep(5*24*time.Hour + 12*time.Hour)
		whole(t, to, 2)
		if last, _ := f.last(); time.Since(last.At) > 25*time.Hour {
			t.Errorf("after five days the last is %v ago", time.Since(last.At))
		}
		l.Change(backup.Settings{To: to, Every: time.Hour, Keep: 3})
		time.Sleep(12*time.Hour + 30*time.Minute)
		if last, _ := f.last(); time.Since(last.At) > 61*time.Minute {
			t.Errorf("after a change to an hour the last is %v ago", time.Since(last.At))
		}
		whole(t, to, 3)
		other := filepath.Join(filepath.Dir(to), "elsewhere")
		l.Change(backup.Settings{To: other, Every: 24 * time.Hour, Keep: 3})
		time.Sleep(time.Minute)
		whole(t, other, 1)
		if stuck := loops.Stuck(); len(stuck) > 0 {
			t.Errorf("%q are stuck", stuck)
		}
	})
}

// TestAFailedBackupIsAnAlertUntilOneSucceeds: a disk that is not there is tried again.
func TestAFailedBackupIsAnAlertUntilOneSucceeds(t *testing.T) {
	t.Parallel()
	data, base := storetest.Dir(t), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureIn(t, data, "o1")
		f.must(os.WriteFile(filepath.Join(base, "disk"), []byte("not mounted"), 0o600))
		to := filepath.Join(base, "disk", "copies")
		l, _ := runLoop(t, f, backup.Settings{To: to, Every: 24 * time.Hour, Keep: 2})
		time.Sleep(time.Hour + 5*time.Minute) // between two tries
		if last, alert := f.last(); !last.At.IsZero() || !strings.Contains(alert, to) {
			t.Errorf("without the disk: %+v, %q", last, alert)
		}
		f.must(errors.Join(os.Remove(filepath.Join(base, "disk")), os.MkdirAll(filepath.Join(base, "disk"), 0o700)))
		time.Sleep(time.Hour)
		if last, alert := f.last(); last.Files != 1 || alert != "" {
			t.Errorf("with the disk: %+v, %q", last, alert)
		}
		l.Change(backup.Settings{To: filepath.Join(data, "inside"), Every: 24 * time.Hour, Keep: 2})
		time.Sleep(time.Minute)
		if _, alert := f.last(); !strings.Contains(alert, "inside the data folder") {
			t.Errorf("into the data folder: %q", alert)
		}
		l.Change(backup.Settings{})
		time.Sleep(time.Minute)
		if _, alert := f.last(); alert != "" {
			t.Errorf("without backups the alert stays: %q", alert)
		}
	})
}

// TestADiskThatHangsStopsNoLoop: a backup that copies nothing for half an hour is an
// alert, and no reason to restart the daemon.
func TestADiskThatHangsStopsNoLoop(t *testing.T) {
	t.Parallel()
	data, to := storetest.Dir(t), filepath.Join(t.TempDir(), "copies")
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureIn(t, data, "o1")
		free := make(chan struct{})
		l := backup.NewLoop(backup.LoopOptions{
			Settings: backup.Settings{To: to, Every: 24 * time.Hour, Keep: 2}, Store: f.store, Log: slog.New(slog.DiscardHandler),
			Source: func() (backup.Source, error) {
				s := f.source()
				s.CopyLedger = func(ctx context.Context, path string) error { <-free; return f.store.CopyTo(ctx, path) }
				return s, nil
			},
		})
		loops := &beat.Loops{}
		in, end := loops.Start(t.Context(), "backup")
		done := make(chan error, 1)
		go func() { defer end(); done <- l.Once(in) }()
		time.Sleep(3 * time.Hour)
		if _, alert := f.last(); !strings.Contains(alert, "has copied nothing for 30 minutes") {
			t.Errorf("the alert is %q", alert)
		}
		if stuck := loops.Stuck(); len(stuck) > 0 {
			t.Errorf("%q are stuck", stuck)
		}
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if last, alert := f.last(); last.Files != 1 || alert != "" {
			t.Errorf("once it answers: %+v, %q", last, alert)
		}
	})
}
