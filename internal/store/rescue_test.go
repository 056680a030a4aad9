package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestACrashReleasesLeasesAtOnceAndCountsNoAttempt(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1", "o2")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Retry, "x", "again")})
	before := take(t, s, order.LaneGenerate)
	if before.Attempt != 2 {
		t.Fatalf("attempt %d before the crash, want 2", before.Attempt)
	}
	abandon(t, s)

	s = openNew(t, Options{Dir: dir})
	after := take(t, s, order.LaneGenerate)
	if after.ID != before.ID || after.Attempt != 2 || after.Token == before.Token {
		t.Errorf("leased %+v after a crash in %+v; want the same attempt of the same job under a new token", after, before)
	}
	if got, want := outcomes(t, s, after.OrderID), []string{"generate 1 retry", "generate 2 crashed", "generate 2 running"}; !slices.Equal(got, want) {
		t.Errorf("attempts %v, want %v", got, want)
	}
}

func TestAJobThatKillsTheProcessIsHeldInTheEnd(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir, MaxCrashes: 3})
	paid(t, s, "killer")
	for crash := 1; crash <= 3; crash++ {
		if l := job(t, s, "killer"); l.Job != order.JobReady {
			t.Fatalf("before crash %d the job is %s, want ready", crash, l.Job)
		}
		take(t, s, order.LaneGenerate)
		abandon(t, s)
		s = openNew(t, Options{Dir: dir, MaxCrashes: 3})
	}
	o := getOrder(t, s, "killer")
	if l := job(t, s, "killer"); l.Job != order.JobHeld || o.State != order.StateHeld {
		t.Fatalf("after 3 crashes the job is %s, the order %s; want both held", l.Job, o.State)
	}
	if o.Code != order.CodeCrashes || !strings.Contains(o.Reason, "3 times") || !strings.Contains(o.Hint, "orders retry killer") {
		t.Errorf("the order says %q %q %q", o.Code, o.Reason, o.Hint)
	}
	if err := (Owner{Store: s}).Retry(t.Context(), "killer"); err != nil {
		t.Fatal(err)
	}
	take(t, s, order.LaneGenerate)
	abandon(t, s)
	s = openNew(t, Options{Dir: dir, MaxCrashes: 3})
	if l := job(t, s, "killer"); l.Job != order.JobReady {
		t.Errorf("after the owner's retry the first crash left the job %s: crashes were not counted from zero", l.Job)
	}
}

func TestACrashOfAnEarlierStageIsNotHeldAgainstTheNext(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	o := Options{Dir: dir, MaxCrashes: 2}
	s := openNew(t, o)
	paid(t, s, "o1")
	take(t, s, order.LaneGenerate)
	abandon(t, s)
	s = openNew(t, o)
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload}})
	take(t, s, order.LaneNetwork)
	abandon(t, s)
	s = openNew(t, o)
	if l := job(t, s, "o1"); l.Job != order.JobReady {
		t.Errorf("one crash in each of two stages left the job %s, want ready", l.Job)
	}
}

func TestAStopIsNotACrash(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	for range 4 {
		s := openNew(t, Options{Dir: dir, MaxCrashes: 2})
		paid(t, s, "o1")
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Stopped, order.CodeStopped, "stopped")})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openNew(t, Options{Dir: dir, MaxCrashes: 2})
	if j := take(t, s, order.LaneGenerate); j.Attempt != 1 {
		t.Errorf("after four stops attempt %d, want 1", j.Attempt)
	}
}

// TestAMessageThatKillsTheProcessIsHeldAlone guards that the order of such a
// message keeps its state, so that the owner can still approve its files.
func TestAMessageThatKillsTheProcessIsHeldAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	o := Options{Dir: dir, MaxCrashes: 2}
	s := openNew(t, o)
	paid(t, s, "o1")
	review := order.Failf(order.Hold, order.CodeReview, "waits for your look")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload, Hold: review}})
	if err := (Owner{Store: s}).QueueMessage(t.Context(), "o1", "owner-1", "soon"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if j := take(t, s, order.LaneNetwork); j.Kind != order.KindMessage {
			t.Fatalf("leased %+v, want the message", j)
		}
		abandon(t, s)
		s = openNew(t, o)
	}
	if got := getOrder(t, s, "o1"); got.State != order.StateHeld || got.Code != order.CodeReview {
		t.Errorf("the order is %s %q, want held for review", got.State, got.Code)
	}
	works, err := s.Works(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range works {
		if w.Kind == order.KindMessage && (w.State != order.JobHeld || w.Code != order.CodeCrashes) {
			t.Errorf("the message is %s %q, want held for its crashes", w.State, w.Code)
		}
	}
	if got, want := needs(t, s), "message o1 held"; !strings.Contains(got, want) {
		t.Errorf("%q needs the owner, want %q in it", got, want)
	}
	if err := openOwner(t, dir).Retry(t.Context(), "o1"); err != nil {
		t.Errorf("the owner cannot release it: %v", err)
	}
}

func TestAPieceThatKillsTheProcessIsHeldAlone(t *testing.T) {
	t.Parallel()
	o := Options{Dir: newDir(t), MaxCrashes: 1}
	s := openNew(t, o)
	apply(t, s, batch(facts("o1", order.Paid)))
	finish(t, s, order.Done{
		Job: take(t, s, order.LaneGenerate), RunAt: time.Now().Add(time.Hour),
		Failure: order.Failf(order.Wait, order.CodeWindow, "open"),
	})
	if _, err := s.ApplyThread(order.Thread{
		OrderID: "o1", Pieces: true, Next: placed,
		Messages: []order.Message{{ID: "m1", Party: order.PartyClient, Text: "a blue one", At: placed}},
	}); err != nil {
		t.Fatal(err)
	}
	if j := take(t, s, order.LaneGenerate); j.Kind != order.KindPiece {
		t.Fatalf("leased %+v, want the piece", j)
	}
	abandon(t, s)
	s = openNew(t, o)
	if got := needs(t, s); !strings.Contains(got, "piece o1 held") {
		t.Errorf("%q needs the owner, want the piece", got)
	}
	if got := getOrder(t, s, "o1"); got.State != order.StateWorking {
		t.Errorf("the order is %s, want it to go on", got.State)
	}
}
