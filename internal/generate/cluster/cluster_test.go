package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/order"
)

func TestWorkersMakeACallOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	s.worker("w1", t.TempDir())
	s.worker("w2", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, s.p.runs)
	text, err := os.ReadFile(filepath.Join(req.OutputDir, ".call.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"again", "and again"} { // as if the window for repeats were over
		natstest.Publish(t, s.url, "gen.job.other.video", id, text)
	}
	close(s.p.done)
	s.want(done, req)
	s.paid(1)
	if ticket != "nats:"+req.Call.Key {
		t.Errorf("the ticket is %q", ticket)
	}
	if left, err := filepath.Glob(filepath.Join(req.OutputDir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestACallWithAnIDIsTakenOverFromADeadWorker(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	first := s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, s.p.runs)
	first.kill()
	s.worker("w2", t.TempDir())
	within(s, s.p.runs)
	close(s.p.done)
	s.want(done, req)
	s.paid(1)
}

func TestAStoppedWorkerLeavesItsCallToAnotherAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	first := s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, s.p.runs)
	first.stop()
	e, err := s.q.Get(t.Context(), "video", req.Call.Key)
	if err != nil || e.State != natsq.Submitted || e.Worker != "" {
		t.Fatalf("after the stop: %+v, %v", e, err)
	}
	s.worker("w2", t.TempDir())
	close(s.p.done)
	s.want(done, req)
	s.paid(1)
}

// A worker that dies between the paid call and its id leaves an unknown outcome. Its result
// counts if it comes nevertheless.
func TestACallThatWasCutWithoutAnIDIsUnknownAndALateResultWins(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *cluster.Options) { o.LostAfter = 2 * time.Second })
	hold, sent := make(chan struct{}), make(chan struct{}, 10)
	s.p.sent = func(ctx context.Context) {
		sent <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	s.p.done = make(chan struct{})
	close(s.p.done)
	s.beat = time.Hour // it works and is not heard
	s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	done := s.start(t.Context(), req)
	within(s, sent)
	f := s.fails(within(s, done).err, order.Retry, order.CodeWorkerLost, order.ChargeUnknown)
	if after := order.AfterCall(order.FailedCall{Failure: *f, Repeats: true}); after.State != order.CallUnknown {
		t.Errorf("the call is closed as %q", after.State)
	}
	held := order.AfterCall(order.FailedCall{Failure: *f, Repeats: true, HoldUnknown: true})
	if held.State != "" || held.Failure.Class != order.Hold {
		t.Errorf("with on_unknown hold it is %q, %v", held.State, held.Failure)
	}
	s.worker("w2", t.TempDir()) // makes nothing of it
	close(hold)
	for {
		e, err := s.q.Get(t.Context(), "video", req.Call.Key)
		if err != nil {
			t.Fatal(err)
		}
		if e.State == natsq.Done {
			break
		}
	}
	req.Call.Ticket = ticket
	s.want(s.start(t.Context(), req), req)
	s.paid(1)
}

func TestACallThatNoWorkerBeginsIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hurried := generator(t, cluster.Options{
		Open: func() (*natsq.Queue, error) { return s.q, nil }, Agent: func() string { return "a" }, Route: "video", AcceptWithin: 500 * time.Millisecond,
	})
	var ticket string
	req := s.request(1, &ticket)
	_, err := hurried.Generate(t.Context(), req)
	f := s.fails(err, order.Wait, order.CodeNoWorker, order.ChargeNone)
	if !f.StandIn(false) {
		t.Error("no other generator stands in")
	}
	s.worker("w1", t.TempDir()) // what is in the queue is not made any more
	next := s.request(2, &ticket)
	s.p.done = make(chan struct{})
	close(s.p.done)
	s.want(s.start(t.Context(), next), next)
	s.paid(1)
	_, err = hurried.Generate(t.Context(), req) // nor is it when its key comes again
	s.fails(err, order.Wait, order.CodeNoWorker, order.ChargeNone)
	s.paid(1)
}

func TestAsManyCallsAreOutAsWorkersAreFreeAndOneMore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := s.gen.Room(ctx); err != nil {
		t.Fatal(err)
	}
	var ticket string
	done := s.start(ctx, s.request(1, &ticket))
	for s.gen.Room(ctx) == nil { // the call is handed out in a moment
	}
	f := s.fails(s.gen.Room(ctx), order.Wait, order.CodeWorkersBusy, order.ChargeNone)
	if f.After <= 0 || f.StandIn(true) {
		t.Errorf("it is asked again after %s; another generator stands in: %t", f.After, f.StandIn(true))
	}
	cancel(order.ErrStopping)
	s.fails(within(s, done).err, order.Stopped, order.CodeStopped, order.ChargePending)
	if err := s.gen.Room(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestACallThatIsBeingHandedOutHasItsPlace guards a call whose pictures take a while: meanwhile
// the next one asks for room.
func TestACallThatIsBeingHandedOutHasItsPlace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	req := s.request(1, new(string))
	var room error
	req.Call.Submitted = func(string) error {
		room = s.gen.Room(t.Context())
		cancel(order.ErrStopping)
		return nil
	}
	s.fails(within(s, s.start(ctx, req)).err, order.Stopped, order.CodeStopped, order.ChargePending)
	s.fails(room, order.Wait, order.CodeWorkersBusy, order.ChargeNone)
	if err := s.gen.Room(t.Context()); err != nil {
		t.Errorf("a call whose run has ended still counts: %v", err)
	}
}

func TestARunningCallIsCancelledAtItsProvider(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	s.worker("w1", t.TempDir())
	var ticket string
	ctx, stop := context.WithCancelCause(t.Context())
	done := s.start(ctx, s.request(1, &ticket))
	within(s, s.p.runs)
	stop(order.ErrOrderEnded)
	within(s, done)
	res, err := s.gen.Cancel(t.Context(), ticket)
	for err != nil { // a busy machine may take longer
		res, err = s.gen.Cancel(t.Context(), ticket)
	}
	if !res.CostKnown || res.Cost != 0 {
		t.Errorf("got %+v", res)
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.cancelled != 1 {
		t.Errorf("the provider was asked %d times", s.p.cancelled)
	}
}

func TestACallThatWaitsIsCancelledForNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ticket string
	ctx, stop := context.WithCancelCause(t.Context())
	done := s.start(ctx, s.request(1, &ticket))
	for {
		if _, err := s.q.Get(t.Context(), "video", s.request(1, &ticket).Call.Key); err == nil {
			break
		}
	}
	stop(order.ErrOrderEnded)
	within(s, done)
	if res, err := s.gen.Cancel(t.Context(), ticket); err != nil || res.Ended || !res.CostKnown || res.Cost != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
	s.worker("w1", t.TempDir())
	next := s.request(2, &ticket)
	s.p.done = make(chan struct{})
	close(s.p.done)
	s.want(s.start(t.Context(), next), next)
	s.paid(1)
}

func TestACallWhoseRecordIsGoneIsNotHandedOutAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	req.Call.Ticket = "nats:" + req.Call.Key
	_, err := s.gen.Generate(t.Context(), req)
	if f := s.fails(err, order.Wait, order.CodeExpired, order.ChargePending); !f.Late() {
		t.Error("it is not waited for")
	}
	s.paid(0)
}

// NATS may lose everything: a worker that has an id or a result writes it down again.
func TestAnEmptiedNATSLosesNothingThatWasPaidFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	ctx, stop := context.WithCancelCause(t.Context())
	done := s.start(ctx, req)
	within(s, s.p.runs)
	stop(order.ErrStopping)
	within(s, done)
	natstest.Wipe(t, s.url)
	if err := s.q.Setup(t.Context(), natsq.SetupOptions{Routes: []string{"video"}}); err != nil {
		t.Fatal(err)
	}
	close(s.p.done)
	req.Call.Ticket = ticket
	for {
		made, err := s.gen.Generate(t.Context(), req)
		if f, ok := errors.AsType[*order.Failure](err); ok && f.Late() {
			continue
		}
		got := make(chan outcome, 1)
		got <- outcome{made, err}
		s.want(got, req)
		break
	}
	s.paid(1)
}

func TestAFileThatNATSLostComesFromTheSpool(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	close(s.p.done)
	dir := t.TempDir()
	first := s.worker("w1", dir)
	var ticket string
	req := s.request(1, &ticket)
	s.want(s.start(t.Context(), req), req)
	first.stop()
	e, err := s.q.Get(t.Context(), "video", req.Call.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.q.RemoveFiles(t.Context(), natsq.BucketOut("video"), e.Result.Files); err != nil {
		t.Fatal(err)
	}
	req.Call.Ticket = ticket
	_, err = s.gen.Generate(t.Context(), req)
	s.fails(err, order.Wait, order.CodeExpired, order.ChargePending)
	second := s.worker("w1", dir)
	for !s.q.Has(t.Context(), natsq.BucketOut("video"), e.Result.Files) { // it comes in a moment
	}
	s.want(s.start(t.Context(), req), req)
	s.gen.Committed(t.Context(), ticket)
	second.stop()
	s.worker("w1", dir)
	for {
		if _, err := os.Stat(filepath.Join(dir, "calls", "video."+req.Call.Key)); errors.Is(err, os.ErrNotExist) {
			break // the agent has it
		}
	}
	s.paid(1)
}

// TestAResultThatTheLostLedgerHadStoredIsNotPaidForAgain guards a ledger that was restored to
// before it stored the result. Neither NATS nor the worker keeps the file, so the owner decides.
func TestAResultThatTheLostLedgerHadStoredIsNotPaidForAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.p.done = make(chan struct{})
	close(s.p.done)
	s.worker("w1", t.TempDir())
	var ticket string
	req := s.request(1, &ticket)
	s.want(s.start(t.Context(), req), req)
	s.gen.Committed(t.Context(), ticket)
	req.Call.Ticket, req.OutputDir = ticket, filepath.Join(t.TempDir(), "restored")
	_, err := s.gen.Generate(t.Context(), req)
	f := s.fails(err, order.Hold, order.CodeFileGone, order.ChargePending)
	if !strings.Contains(f.Hint, "orders resubmit "+req.OrderID) {
		t.Errorf("the hint is %q", f.Hint)
	}
	s.paid(1)
}

func TestADamagedFileOfAWorkerIsNotUsed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := s.q.PutFile(t.Context(), natsq.BucketOut("video"), "k/1", path)
	if err != nil {
		t.Fatal(err)
	}
	f.SHA256 = "00" + f.SHA256[2:]
	to := filepath.Join(t.TempDir(), "y")
	if err := s.q.GetFile(t.Context(), natsq.BucketOut("video"), f, to); !errors.Is(err, natsq.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if list, err := os.ReadDir(filepath.Dir(to)); err != nil || len(list) > 0 {
		t.Errorf("left %v, %v", list, err)
	}
}

func TestNATSThatIsNotSetUpIsNamed(t *testing.T) {
	t.Parallel()
	_, url := natstest.Start(t)
	q := natstest.Open(t, url, "agent")
	g, err := cluster.New(cluster.Options{Open: func() (*natsq.Queue, error) { return q, nil }, Agent: func() string { return "a" }, Route: "video"})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t}
	if f := s.fails(g.Check(t.Context()), order.Hold, order.CodeMisconfigured, order.ChargeNone); f.Hint == "" {
		t.Error("no hint")
	}
	var ticket string // a server that has just started is like that for a moment
	req := s.request(1, &ticket)
	req.Call.Ticket = "nats:" + req.Call.Key
	_, err = g.Generate(t.Context(), req)
	if f := s.fails(err, order.Retry, order.CodeProviderUnreachable, order.ChargePending); !f.Outage {
		t.Error("the order is held, and nobody resumes it")
	}
}
