package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/worker"
)

// queue queues a call with a record.
func (s *site) queue(n int, r natsq.Record) (key string) {
	s.Helper()
	key = fmt.Sprintf("00000000-0000-5000-8000-%012d", n)
	if _, err := s.q.Create(s.Context(), "video", key, r); err != nil {
		s.Fatal(err)
	}
	call := natsq.Call{Key: key, Route: "video", Request: generate.Request{Prompt: "a boat", Attempt: 1}}
	text, err := call.Text()
	if err != nil {
		s.Fatal(err)
	}
	if err := s.q.Publish(s.Context(), "a.b", "video", key, text); err != nil {
		s.Fatal(err)
	}
	return key
}

// oneByOne runs a worker that handles one call after the other, in the order of the queue, and
// counts no other worker as dead.
func (s *site) oneByOne() {
	s.Helper()
	q := natstest.Open(s, s.url, "w2")
	w, err := worker.Open(worker.Options{
		Queue: q, Name: "w2", Routes: []worker.Route{{Name: "video", Backend: s.p, Slots: 1}}, Dir: s.TempDir(), Log: testLog(s.T),
		Beat: s.beat, Dead: time.Hour, Drain: time.Millisecond,
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { w.Run(ctx) })
	s.Cleanup(func() {
		cancel()
		runs.Wait()
		w.Close()
	})
}

// A call that was queued twice may have ended when its second message comes. Otherwise it
// would come again and again.
func TestTheMessageOfACallThatHasEndedIsDropped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	close(s.p.done)
	for i, state := range []natsq.State{natsq.Done, natsq.Failed, natsq.Refused, natsq.Cancelled, natsq.Unknown} {
		s.queue(i, natsq.Record{State: state})
	}
	s.oneByOne()
	limit := time.After(time.Minute)
	for natstest.Queued(t, s.url) > 0 {
		select {
		case <-limit:
			t.Fatalf("%d of 5 calls that have ended are still queued", natstest.Queued(t, s.url))
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.paid(0)
}

// A call that was queued twice comes to another worker while the first one works on it.
func TestACallOfALiveWorkerIsNotTakenFromIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	close(s.p.done)
	theirs := s.queue(1, natsq.Record{State: natsq.Submitted, Worker: "w1", Ticket: "job-1"})
	next := s.queue(2, natsq.Record{State: natsq.Wanted})
	s.oneByOne()
	if first := within(s, s.p.runs); first != next {
		t.Errorf("the worker works on call %s first, which is with a live one", first)
	}
	if e, err := s.q.Get(t.Context(), "video", theirs); err != nil || e.Worker != "w1" {
		t.Errorf("the record is %+v, %v", e, err)
	}
}
