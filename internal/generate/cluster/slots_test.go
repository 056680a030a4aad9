package cluster_test

import (
	"testing"
	"time"

	"atelierd/internal/natsq"
)

// beats waits until the worker of a call has shown so many times that it works on it.
func (s *site) beats(key string, times int) {
	s.Helper()
	var last time.Time
	for times >= 0 {
		e, err := s.q.Get(s.Context(), "video", key)
		if err != nil {
			s.Fatal(err)
		}
		if !e.Beat.Equal(last) {
			last = e.Beat
			times--
		}
	}
}

// A machine with one GPU makes one call at the same time, also those that it has begun before a
// crash.
func TestAWorkerThatRestartsUsesNoMoreThanItsSlots(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	dir := t.TempDir()
	first := s.worker("w1", dir)
	keys := []string{s.queue(1, natsq.Record{State: natsq.Wanted}), s.queue(2, natsq.Record{State: natsq.Wanted})}
	within(s, s.p.runs)
	within(s, s.p.runs)
	first.kill()
	keys = append(keys, s.queue(3, natsq.Record{State: natsq.Wanted}))
	s.slots = 1
	s.worker("w1", dir)
	resumed := within(s, s.p.runs)
	if resumed == keys[2] {
		t.Error("a new call comes before those that were begun")
	}
	s.beats(resumed, 10)
	if n := len(s.p.runs); n > 0 {
		t.Errorf("a worker of one slot makes %d calls at the same time", n+1)
	}
	close(s.p.done)
	for _, key := range keys {
		for e, err := s.q.Get(t.Context(), "video", key); e.State != natsq.Done; e, err = s.q.Get(t.Context(), "video", key) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	s.paid(3)
}
