package store

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"atelierd/internal/order"
)

func openOwner(t *testing.T, dir string) Owner {
	t.Helper()
	o, err := OpenOwner(dir, "cli:test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// failUpload makes an order whose upload has failed for good.
func failUpload(t *testing.T, s *Store) {
	t.Helper()
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload}})
	finish(t, s, order.Done{Job: take(t, s, order.LaneNetwork), Failure: order.Failf(order.Fail, order.CodeRefused, "no")})
}

func TestARetryResumesWhereTheJobStopped(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	failUpload(t, s)
	if err := openOwner(t, s.dir).Retry(t.Context(), "o1"); err != nil {
		t.Fatal(err)
	}
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking || o.Code != "" || o.Reason != "" {
		t.Errorf("the order is %s %q %q", o.State, o.Code, o.Reason)
	}
	if j := take(t, s, order.LaneNetwork); j.Stage != order.StageUpload || j.Attempt != 1 {
		t.Errorf("leased attempt %d of %s, want the first of upload", j.Attempt, j.Stage)
	}
}

func TestARedoMakesTheFilesAgain(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	failUpload(t, s)
	if err := openOwner(t, s.dir).Redo(t.Context(), "o1", order.Redo{}, keepFiles); err != nil {
		t.Fatal(err)
	}
	if j := take(t, s, order.LaneGenerate); j.Stage != order.StageGenerate || j.Attempt != 1 {
		t.Errorf("leased attempt %d of %s, want the first of generate", j.Attempt, j.Stage)
	}
}

// keepFiles removes nothing.
func keepFiles(order.Kind, int) error { return nil }

func TestThereIsNothingToRetryInWorkThatRuns(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	j := take(t, s, order.LaneGenerate)
	o := openOwner(t, s.dir)
	for _, id := range []string{"o1", "o2"} {
		// Files of work that runs would be missed.
		redo := o.Redo(t.Context(), id, order.Redo{}, func(order.Kind, int) error { t.Error("files were removed"); return nil })
		for _, err := range []error{o.Retry(t.Context(), id), redo} {
			if err == nil || !strings.Contains(err.Error(), "working") {
				t.Errorf("retry of work that runs or is about to: %v, want an error that names its state", err)
			}
		}
	}
	if turn := finish(t, s, order.Done{Job: j, Result: order.Result{Next: order.StageUpload}}); turn.Lost {
		t.Error("the running work has lost its lease")
	}
}

func TestTheOwnersCancelEndsWorkInAnyState(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, *Store){
		"ready":   func(t *testing.T, s *Store) { paid(t, s, "o1") },
		"running": func(t *testing.T, s *Store) { toDeliver(t, s, "o1") },
		"failed":  failUpload,
		"held": func(t *testing.T, s *Store) {
			paid(t, s, "o1")
			finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, "x", "no")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			prepare(t, s)
			o := openOwner(t, s.dir)
			if err := o.Cancel(t.Context(), "o1", "wrong client"); err != nil {
				t.Fatal(err)
			}
			got := getOrder(t, s, "o1")
			if l := job(t, s, "o1"); l.Job != order.JobCancelled || got.State != order.StateHeld ||
				got.Code != order.CodeOwner || got.Reason != "wrong client" {
				t.Errorf("job %s, order %s %q %q", l.Job, got.State, got.Code, got.Reason)
			}
			for _, lane := range []order.Lane{order.LaneGenerate, order.LaneNetwork} {
				if tn := turn(t, s, nil, lane, true); tn.Job != nil {
					t.Errorf("cancelled work was leased: %+v", tn.Job)
				}
			}
			if err := o.Cancel(t.Context(), "o1", "again"); err == nil {
				t.Error("cancelled twice")
			}
			if err := o.Retry(t.Context(), "o1"); err != nil {
				t.Errorf("the owner cannot take it back: %v", err)
			}
		})
	}
}

func TestAnUnknownOrderIsNotFound(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	o := openOwner(t, s.dir)
	for name, err := range map[string]error{"Retry": o.Retry(t.Context(), "nope"), "Cancel": o.Cancel(t.Context(), "nope", "x")} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

// An order for a service that is not sold has no job.
func TestTheOwnersCancelPutsAHeldOrderWithoutWorkAside(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	b := batch(facts("o1", order.Paid))
	b.Decide = func(order.Known, order.Facts) order.Decision {
		return order.Decision{State: order.StateHeld, Code: order.CodeNoService, Reason: "not sold", DueAt: placed}
	}
	apply(t, s, b)
	o := openOwner(t, s.dir)
	if err := o.Cancel(t.Context(), "o1", ""); err != nil {
		t.Fatal(err)
	}
	if got := getOrder(t, s, "o1"); got.Code != order.CodeOwner || got.State != order.StateHeld {
		t.Errorf("it is %s %q", got.State, got.Code)
	}
	if err := o.Cancel(t.Context(), "o1", ""); err == nil {
		t.Error("cancelled twice")
	}
}

// TestAnApprovalReleasesThePiecesThatWaitForItAndNothingElse guards that an approval pays
// for no work that has failed.
func TestAnApprovalReleasesThePiecesThatWaitForItAndNothingElse(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, order.CodeSubscription, "no")})
	var asks []order.Message
	for _, id := range []string{"a", "b", "c"} {
		asks = append(asks, order.Message{ID: id, Party: order.PartyClient, Text: "one more " + id, At: placed})
	}
	if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: asks, Pieces: true, Next: placed}); err != nil {
		t.Fatal(err)
	}
	if err := (Owner{Store: s}).Approve(t.Context(), "o1", 0); err == nil {
		t.Error("an order without work that waits was approved")
	}
	for range 2 {
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{
			Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it"),
		}})
	}
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Fail, order.CodeRefused, "no")})
	if err := (Owner{Store: s}).Approve(t.Context(), "o1", 0); err != nil {
		t.Fatal(err)
	}
	works, err := s.Works(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	states := map[order.JobState]int{}
	for _, w := range works {
		states[w.State]++
	}
	if want := map[order.JobState]int{order.JobReady: 2, order.JobHeld: 1, order.JobFailed: 1}; !maps.Equal(states, want) {
		t.Errorf("the work is %v, want %v", states, want)
	}
}

// Nobody pays for an order that the marketplace does not list.
func TestAnApprovalConcernsOneOrderThatIsListed(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	for range 2 {
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{
			Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it"),
		}})
	}
	if err := (Owner{Store: s}).Approve(t.Context(), "o1", 0); err != nil {
		t.Fatal(err)
	}
	if one, two := job(t, s, "o1"), job(t, s, "o2"); one.State != order.StateWorking || two.State != order.StateHeld {
		t.Errorf("the approved order is %s and the other one %s", one.State, two.State)
	}
	mustExec(t, outside(t, s.dir), "UPDATE orders SET missing_at = '2026-11-01T00:00:00.000Z' WHERE id = 'o2'")
	if err := (Owner{Store: s}).Approve(t.Context(), "o2", 0); err == nil || !strings.Contains(err.Error(), "does not list order o2") {
		t.Errorf("an order that is not listed: %v", err)
	}
}

// TestWhatACommandWritesIsByItsUser guards that the timeline shows who acted, also where a
// command writes like the daemon does.
func TestWhatACommandWritesIsByItsUser(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	o, err := OpenOwner(s.dir, "cli:jo")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, note := range []func(string, string, string) error{s.Note, o.Note, o.Store.Note, Owner{Store: s, By: "console:ann"}.Note} {
		if err := note("o1", "note", ""); err != nil {
			t.Fatal(err)
		}
	}
	db := outside(t, s.dir)
	if by := scan[string](t, db, "SELECT group_concat(actor, ' ') FROM v_timeline WHERE what = 'note'"); by != " cli:jo cli:jo console:ann" {
		t.Errorf("the events are by %q", by)
	}
}
