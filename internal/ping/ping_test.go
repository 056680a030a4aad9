package ping

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/beat"
)

// monitor records the calls that a Pinger makes.
type monitor struct {
	mu    sync.Mutex
	calls []string
	fails error
}

func (m *monitor) get(_ context.Context, below string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, "/"+below)
	return m.fails
}

func (m *monitor) took() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.calls
	m.calls = nil
	return calls
}

// run runs a Pinger of a daemon with these loops until the end of the test.
func run(t *testing.T, loops *beat.Loops, log *slog.Logger) (*Pinger, *monitor) {
	m := &monitor{}
	p := New(Options{Get: m.get, Loops: loops, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return p, m
}

func TestAGoodPollIsPingedAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := run(t, &beat.Loops{}, slog.New(slog.DiscardHandler))
		for range 121 { // two minutes of polls
			p.Polled()
			time.Sleep(time.Second)
		}
		if calls := m.took(); !slices.Equal(calls, []string{"/", "/", "/"}) {
			t.Errorf("two minutes of polls make the calls %q", calls)
		}
		time.Sleep(24 * time.Hour) // no poll is answered
		if calls := m.took(); len(calls) > 0 {
			t.Errorf("without an answered poll the calls are %q", calls)
		}
	})
}

func TestNothingIsPingedWhileALoopHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var loops beat.Loops
		_, ended := loops.Start(t.Context(), "reviews") // it never waits again
		p, m := run(t, &loops, slog.New(slog.DiscardHandler))
		for range 60 {
			p.Polled()
			time.Sleep(time.Minute)
		}
		if calls := m.took(); len(calls) == 0 || len(calls) > 10 {
			t.Errorf("in an hour with a loop that hangs after minutes the calls are %q", calls)
		}
		p.Polled()
		time.Sleep(time.Minute)
		if calls := m.took(); len(calls) > 0 {
			t.Errorf("with a loop that hangs the calls are %q", calls)
		}
		ended()
		p.Polled()
		synctest.Wait()
		if calls := m.took(); len(calls) != 1 {
			t.Errorf("once it turns again the calls are %q", calls)
		}
	})
}

func TestAfterAFailureNothingElseIsPinged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := run(t, &beat.Loops{}, slog.New(slog.DiscardHandler))
		p.Fail(t.Context())
		p.Polled()
		time.Sleep(time.Hour)
		if calls := m.took(); !slices.Equal(calls, []string{"/fail"}) {
			t.Errorf("the calls are %q", calls)
		}
	})
}

func TestAMonitorThatCannotBeReachedIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p, m := run(t, &beat.Loops{}, slog.New(slog.NewTextHandler(&out, nil)))
		m.fails = errors.New("the monitor does not answer")
		for range 10 {
			p.Polled()
			time.Sleep(2 * time.Minute)
		}
		if n := strings.Count(out.String(), "\n"); n != 1 || !strings.Contains(out.String(), "does not answer") {
			t.Errorf("ten failures wrote %d lines:\n%s", n, out.String())
		}
	})
}
