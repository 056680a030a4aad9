package store

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

func TestATurnFinishesAndLeasesInOneCommit(t *testing.T) {
	t.Parallel()
	var points []string
	s := openNew(t, Options{Hook: func(p string) error { points = append(points, p); return nil }})
	paid(t, s, "o1", "o2")
	first := take(t, s, order.LaneGenerate)
	points = nil
	next := turn(t, s, &order.Done{Job: first, Result: order.Result{Next: order.StageUpload}}, order.LaneGenerate, true)
	if want := []string{"before:finish.generate", "after:finish.generate"}; !slices.Equal(points, want) {
		t.Errorf("commits %v, want %v", points, want)
	}
	if next.Lost || next.Job == nil || next.Job.OrderID == first.OrderID {
		t.Fatalf("turn %+v, want the other order's job", next)
	}
	if l := job(t, s, first.OrderID); l.Stage != order.StageUpload || l.Job != order.JobReady {
		t.Errorf("the finished job is %s at %s, want ready at upload", l.Job, l.Stage)
	}
}

func TestTheEarliestDeadlineGoesFirst(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	var list []order.Facts
	for i, id := range []string{"late", "early", "middle"} {
		f := facts(id, order.Paid)
		f.CreatedAt = placed.Add([]time.Duration{3, 1, 2}[i] * time.Hour)
		list = append(list, f)
	}
	apply(t, s, batch(list...))
	var got []string
	for range list {
		got = append(got, take(t, s, order.LaneGenerate).OrderID)
	}
	if want := []string{"early", "middle", "late"}; !slices.Equal(got, want) {
		t.Errorf("leased %v, want %v", got, want)
	}
	if tn := turn(t, s, nil, order.LaneGenerate, true); tn.Job != nil || !tn.Next.IsZero() {
		t.Errorf("with everything leased a turn gave %+v", tn)
	}
}

func TestDeliveriesGoBeforeUploads(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	early, late := facts("upload-early", order.Paid), facts("deliver-late", order.Paid)
	late.CreatedAt = placed.Add(day)
	apply(t, s, batch(early, late))
	for range 2 {
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload}})
	}
	first := take(t, s, order.LaneNetwork)
	second := take(t, s, order.LaneNetwork)
	finish(t, s, order.Done{Job: second, Result: order.Result{Next: order.StageDeliver}})
	finish(t, s, order.Done{Job: first, Failure: order.Failf(order.Wait, "x", "later")})
	if j := take(t, s, order.LaneNetwork); j.OrderID != "deliver-late" || j.Stage != order.StageDeliver {
		t.Errorf("leased the %s of %s, want the delivery of deliver-late", j.Stage, j.OrderID)
	}
}

func TestWhatAFailureDoesToTheJobAndItsAttempts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class   order.Class
		state   order.JobState
		order   order.State
		attempt int // of the job once it is leased again
	}{
		{order.Retry, order.JobReady, order.StateWorking, 2},
		{order.Wait, order.JobReady, order.StateWorking, 1},
		{order.Stopped, order.JobReady, order.StateWorking, 1},
		{order.Lost, order.JobReady, order.StateWorking, 1},
		{order.Hold, order.JobHeld, order.StateHeld, 0},
		{order.Fail, order.JobFailed, order.StateFailed, 0},
	} {
		t.Run(string(c.class), func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			paid(t, s, "o1")
			j := take(t, s, order.LaneGenerate)
			f := order.Failf(c.class, "why", "it broke").WithHint("fix it")
			f.Cost, f.Log = 7, "the log"
			finish(t, s, order.Done{Job: j, Failure: f})
			l, o := job(t, s, "o1"), getOrder(t, s, "o1")
			if l.Job != c.state || o.State != c.order {
				t.Errorf("job %s, order %s; want %s, %s", l.Job, o.State, c.state, c.order)
			}
			if c.order != order.StateWorking && (o.Code != "why" || o.Reason != "it broke" || o.Hint != "fix it") {
				t.Errorf("the order says %q %q %q, want why, what and the hint", o.Code, o.Reason, o.Hint)
			}
			h, err := s.History(t.Context(), "o1")
			if err != nil {
				t.Fatal(err)
			}
			a := h.Attempts[0]
			if a.Outcome != string(c.class) || a.Code != "why" || a.Error != "it broke" || a.Cost != 7 || a.Log != "the log" {
				t.Errorf("attempt %+v", a)
			}
			if c.attempt > 0 {
				if again := take(t, s, order.LaneGenerate); again.Attempt != c.attempt {
					t.Errorf("leased again as attempt %d, want %d", again.Attempt, c.attempt)
				}
			}
		})
	}
}

func TestAttemptsAreCountedByStage(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	for want := 1; want <= 3; want++ {
		j := take(t, s, order.LaneGenerate)
		if j.Attempt != want {
			t.Fatalf("attempt %d, want %d", j.Attempt, want)
		}
		d := order.Done{Job: j, Failure: order.Failf(order.Retry, "x", "again")}
		if want == 3 {
			d = order.Done{Job: j, Result: order.Result{Next: order.StageUpload}}
		}
		finish(t, s, d)
	}
	if j := take(t, s, order.LaneNetwork); j.Attempt != 1 {
		t.Errorf("the next stage begins with attempt %d, want 1", j.Attempt)
	}
}

func TestARescheduledJobWaitsForItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		paid(t, s, "o1")
		at := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		d := order.Done{Job: take(t, s, order.LaneGenerate), RunAt: at, Failure: order.Failf(order.Retry, "x", "again")}
		tn := turn(t, s, &d, order.LaneGenerate, true)
		if tn.Job != nil || !tn.Next.Equal(at) {
			t.Fatalf("turn %+v, want no job, and the next at %v", tn, at)
		}
		if more, err := s.HasWork(at.Add(-time.Millisecond)); err != nil || more {
			t.Errorf("before its time: has work %v, %v", more, err)
		}
		if more, err := s.HasWork(at); err != nil || !more {
			t.Errorf("at its time: has work %v, %v", more, err)
		}
		time.Sleep(time.Hour - time.Millisecond)
		if tn := turn(t, s, nil, order.LaneGenerate, true); tn.Job != nil {
			t.Error("leased before its time")
		}
		time.Sleep(time.Millisecond)
		take(t, s, order.LaneGenerate)
	})
}

func TestRunNowRunsOnlyWhatWaitsForThatCode(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	for _, code := range []order.Code{order.CodeKeyRefused, order.CodeOutage} {
		finish(t, s, order.Done{
			Job: take(t, s, order.LaneGenerate), RunAt: time.Now().Add(day),
			Failure: order.Failf(order.Wait, code, "later"),
		})
	}
	if err := s.RunNow(order.CodeKeyRefused); err != nil {
		t.Fatal(err)
	}
	if j := take(t, s, order.LaneGenerate); j.OrderID != "o1" {
		t.Errorf("%s runs, want o1", j.OrderID)
	}
	if tn := turn(t, s, nil, order.LaneGenerate, true); tn.Job != nil {
		t.Errorf("%s runs too", tn.Job.OrderID)
	}
}

// What an attempt waits for may end between its look and the commit of its wait.
func TestAWaitThatHasEndedMeanwhileIsNotWaited(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	if err := s.RunNow(order.CodeSecondDaemon); err != nil {
		t.Fatal(err)
	}
	wait := order.Done{Job: j, RunAt: time.Now().Add(day), Failure: order.Failf(order.Wait, order.CodeSecondDaemon, "later")}
	finish(t, s, wait)
	wait.Job = take(t, s, order.LaneGenerate)
	finish(t, s, wait)
	if tn := turn(t, s, nil, order.LaneGenerate, true); tn.Job != nil {
		t.Error("it does not wait for what has ended before")
	}
}

// A statement changes at most 1000 jobs.
func TestRunNowRunsEveryJobThatWaits(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	ids := make([]string, 1001)
	for i := range ids {
		ids[i] = fmt.Sprint("o", i)
	}
	paid(t, s, ids...)
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE jobs SET code = 'key_refused', run_at = '9000-01-01T00:00:00.000Z' WHERE stage = 'generate'")
	if err := s.RunNow(order.CodeKeyRefused); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, db, "SELECT count(*) FROM jobs WHERE stage = 'generate' AND run_at < '9000'"); n != len(ids) {
		t.Errorf("%d jobs are due, want %d", n, len(ids))
	}
}

func TestAnOutageCostsNoAttempt(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	f := order.Failf(order.Retry, order.CodeOutage, "503")
	f.Outage = true
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: f})
	if j := take(t, s, order.LaneGenerate); j.Attempt != 1 {
		t.Errorf("leased again as attempt %d, want 1", j.Attempt)
	}
}

func TestAResultCanMakeTheNextStageWaitForTheOwner(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{
		Next: order.StageUpload,
		Note: "made with care", Hold: order.Failf(order.Hold, order.CodeReview, "waits for your look").WithHint("approve it"),
		Artifacts: []order.Artifact{{Path: "artifacts/a.png", Name: "a.png"}},
	}})
	o := getOrder(t, s, "o1")
	if l := job(t, s, "o1"); l.Job != order.JobHeld || l.Stage != order.StageUpload || o.State != order.StateHeld ||
		o.Code != order.CodeReview || o.Hint != "approve it" {
		t.Errorf("job %s at %s, order %s %q %q", l.Job, l.Stage, o.State, o.Code, o.Hint)
	}
	if tn := turn(t, s, nil, order.LaneNetwork, true); tn.Job != nil {
		t.Errorf("it was uploaded without the owner's look: %+v", tn.Job)
	}
	h, err := s.History(t.Context(), "o1")
	if err != nil || len(h.Artifacts) != 1 || !slices.ContainsFunc(h.Events, func(m Moment) bool { return m.Text == "made with care" }) {
		t.Errorf("files %+v, events %+v, %v", h.Artifacts, h.Events, err)
	}
	if err := openOwner(t, s.dir).Approve(t.Context(), "o1", 0); err != nil {
		t.Fatal(err)
	}
	if j := take(t, s, order.LaneNetwork); j.Stage != order.StageUpload {
		t.Errorf("after the owner's look it continues at %s", j.Stage)
	}
}

func TestPendingSendsCountsUnfinishedWork(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	toDeliver(t, s, "delivering")
	paid(t, s, "generating", "waiting", "held")
	take(t, s, order.LaneGenerate)
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, "x", "no")})
	if d, total, err := s.PendingSends(t.Context()); err != nil || d != 1 || total != 3 {
		t.Errorf("%d pending deliveries of %d jobs, %v; want 1 of 3", d, total, err)
	}
}
