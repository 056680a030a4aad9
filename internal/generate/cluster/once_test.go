package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/order"
)

// Each of many calls is in the queue several times, so that workers read its record at the same
// moment, while nobody has claimed it.
func TestWorkersThatGetACallAtTheSameMomentMakeItOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	close(s.p.done)
	const calls, workers = 20, 4
	var ticket string
	for n := range calls {
		req := s.request(n, &ticket)
		key := req.Call.Key
		if _, err := s.q.Create(t.Context(), "video", key, natsq.Record{State: natsq.Wanted}); err != nil {
			t.Fatal(err)
		}
		req.OutputDir, req.References = "", nil
		text, err := natsq.Call{Key: key, Route: "video", Request: req}.Text()
		if err != nil {
			t.Fatal(err)
		}
		for again := range workers {
			natstest.Publish(t, s.url, "gen.job.a.video", fmt.Sprint(key, again), text)
		}
	}
	for n := range workers {
		s.worker(fmt.Sprint("w", n), t.TempDir())
	}
	for n := range calls {
		key := s.request(n, &ticket).Call.Key
		for e, err := s.q.Get(t.Context(), "video", key); e.State != natsq.Done; e, err = s.q.Get(t.Context(), "video", key) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	s.paid(calls)
}

// The queue offers a call of a dead worker to another one. Without an id nobody knows whether it
// was paid for.
func TestACallThatWasCutWithoutAnIDIsNotMadeByAnotherWorker(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *cluster.Options) { o.LostAfter = 15 * time.Second })
	sent := make(chan struct{}, 10)
	s.p.sent = func(ctx context.Context) {
		sent <- struct{}{}
		<-ctx.Done()
	}
	first := s.worker("w1", t.TempDir())
	var ticket string
	done := s.start(t.Context(), s.request(1, &ticket))
	within(s, sent)
	first.kill()
	s.worker("w2", t.TempDir())
	s.fails(within(s, done).err, order.Retry, order.CodeWorkerLost, order.ChargeUnknown)
	s.paid(1)
}

// A daemon that resumes has the text of each call still, and may queue only one that is wanted.
func TestACallThatAWorkerHasBegunIsNotQueuedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ticket string
	req := s.request(1, &ticket)
	wanted, err := s.q.Create(t.Context(), "video", req.Call.Key, natsq.Record{State: natsq.Wanted})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.q.Change(t.Context(), wanted, natsq.Record{State: natsq.Calling, Worker: "w1"}); err != nil {
		t.Fatal(err)
	}
	text, err := natsq.Call{Key: req.Call.Key, Route: "video"}.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(req.OutputDir, ".call.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	looks := make(chan struct{}, 1000)
	req.Call.Ticket, req.Call.Resumed = "nats:"+req.Call.Key, true
	req.Call.Progress = func(order.Progress) { looks <- struct{}{} }
	ctx, stop := context.WithCancel(t.Context())
	done := s.start(ctx, req)
	within(s, looks)
	within(s, looks) // the first has had its effect
	if d, err := s.q.Fetch(t.Context(), "video", time.Second); err != nil || d != nil {
		t.Errorf("the queue has %+v, %v", d, err)
	}
	stop()
	within(s, done)
}
