package cluster_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// onMachine is a provider on the machine of each worker. It makes the same call once.
type onMachine struct{ *provider }

func (onMachine) Local() bool   { return true }
func (onMachine) Repeats() bool { return true }

// Another worker would ask its own server for a job that it does not know.
func TestAJobOnTheMachineOfADeadWorkerIsLeftToIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *cluster.Options) { o.LostAfter = 10 * time.Second })
	s.backend = onMachine{s.p}
	s.p.done = make(chan struct{})
	dir := t.TempDir()
	first := s.worker("w1", dir)
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, s.p.runs)
	first.kill()
	s.worker("w2", t.TempDir())
	f := s.fails(within(s, done).err, order.Retry, order.CodeWorkerLost, order.ChargeUnknown)
	if len(s.p.runs) > 0 || !f.Over {
		t.Errorf("another worker has asked for the job %d times; %+v", len(s.p.runs), f)
	}
	s.paid(1)
}

func TestAStoppedWorkerKeepsAJobOnItsMachine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.backend = onMachine{s.p}
	s.p.done = make(chan struct{})
	dir := t.TempDir()
	first := s.worker("w1", dir)
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, s.p.runs)
	first.stop()
	if e, err := s.q.Get(t.Context(), "video", req.Call.Key); err != nil || e.Worker != "w1" || !e.Local {
		t.Fatalf("after the stop: %+v, %v", e, err)
	}
	close(s.p.done)
	s.worker("w1", dir)
	s.want(done, req)
	s.paid(1)
}

// A call that is not needed any more must not wait for a machine that is off for good.
func TestAJobOnTheMachineOfADeadWorkerIsGivenUpWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.backend = onMachine{s.p}
	s.p.done = make(chan struct{})
	key := s.queue(1, natsq.Record{State: natsq.Stopping, Worker: "w1", Local: true, Ticket: "job-1"})
	s.worker("w2", t.TempDir())
	for e, err := s.q.Get(t.Context(), "video", key); !e.State.Ended(); e, err = s.q.Get(t.Context(), "video", key) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.cancelled > 0 {
		t.Error("a worker asked its own server to cancel the job of another one")
	}
}

// A result that was made and paid for stays on the disk, where the owner can fetch it, whatever
// another worker has written.
func TestAResultStaysWhenAnotherWorkerHasFailedTheCall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	key := "00000000-0000-5000-8000-000000000001"
	folder := filepath.Join(dir, "calls", "video."+key)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := natsq.Call{Key: key, Route: "video"}.Text()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"call.json": string(text), "result.json": `{"Files":[]}`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.q.Create(t.Context(), "video", key, natsq.Record{State: natsq.Failed, Worker: "w2"}); err != nil {
		t.Fatal(err)
	}
	next := s.queue(2, natsq.Record{State: natsq.Wanted})
	s.worker("w1", dir)
	if got := within(s, s.p.runs); got != next { // it takes no call before it has looked at its disk
		t.Errorf("call %s is made", got)
	}
	if _, err := os.Stat(filepath.Join(folder, "result.json")); err != nil {
		t.Error(err)
	}
}
