package cluster_test

import (
	"testing"
	"time"

	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
)

// busy waits until a worker is shown to make so many calls.
func (s *site) busy(name string, calls int) {
	s.Helper()
	limit := time.After(time.Minute)
	for {
		list, err := s.q.Workers(s.Context(), "video")
		if err != nil {
			s.Fatal(err)
		}
		for _, w := range list {
			if w.Name == name && w.Busy == calls {
				return
			}
		}
		select {
		case <-limit:
			s.Fatalf("worker %s does not make %d calls", name, calls)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A worker that was cut off finds its call with another one. The message that it still has is
// the one that the other works by: without it nobody would take the call over from that one.
func TestAWorkerThatHasLostItsCallLeavesTheMessageOfTheOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	first := s.worker("w1", t.TempDir())
	key := s.queue(1, natsq.Record{State: natsq.Wanted})
	within(s, s.p.runs)
	s.busy("w1", 1)
	for { // the worker writes to the record too
		e, err := s.q.Get(t.Context(), "video", key)
		if err != nil {
			t.Fatal(err)
		}
		r := e.Record
		r.Worker = "w2"
		if _, err := s.q.Change(t.Context(), e, r); err == nil {
			break
		}
	}
	s.busy("w1", 0)
	first.stop()
	if n := natstest.Queued(t, s.url); n != 1 {
		t.Fatalf("%d messages are left, want the one of the other worker", n)
	}
	close(s.p.done)
	s.worker("w3", t.TempDir()) // the other one is silent
	for e, err := s.q.Get(t.Context(), "video", key); e.State != natsq.Done || e.Worker != "w3"; e, err = s.q.Get(t.Context(), "video", key) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.paid(1)
}
