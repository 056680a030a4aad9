package store

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// delay is how long an approval of these tests waits.
const delay = 10 * time.Second

// drawn has the files of an order made, which then wait for approval.
func drawn(tb testing.TB, s *Store, id, sum string) {
	tb.Helper()
	finish(tb, s, order.Done{Job: take(tb, s, order.LaneGenerate), Result: order.Result{
		Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it"),
		Artifacts: []order.Artifact{{Path: "artifacts/" + id + sum, Name: "a.png", Bytes: 3, SHA256: sum, MIME: "image/png", Media: "image"}},
	}})
}

// idle fails the test if a job of the network lane is due. It returns when the next one is.
func idle(tb testing.TB, s *Store) time.Time {
	tb.Helper()
	got := turn(tb, s, nil, order.LaneNetwork, true)
	if got.Job != nil {
		tb.Fatalf("%s of order %s has begun", got.Job.Stage, got.Job.OrderID)
	}
	return got.Next
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// hurries are what makes waiting work due.
var hurries = map[string]func(tb testing.TB, s *Store){
	"a poll": func(tb testing.TB, s *Store) { paid(tb, s, "o1") },
	"a poll that misses it, and the next one": func(tb testing.TB, s *Store) {
		missed := batch()
		missed.Complete = true
		apply(tb, s, missed)
		again := batch(facts("o1", order.Paid))
		again.Decide = func(k order.Known, f order.Facts) order.Decision {
			d := decide(k, f)
			d.Jobs = order.JobsRelease
			return d
		}
		apply(tb, s, again)
	},
	"a message that was sent": func(tb testing.TB, s *Store) {
		must(tb, Owner{Store: s}.QueueMessage(tb.Context(), "o1", "owner-1", "hello"))
		finish(tb, s, order.Done{Job: take(tb, s, order.LaneNetwork), Result: order.Result{Sent: order.OutSent}})
	},
	"a retry":           func(tb testing.TB, s *Store) { _ = Owner{Store: s}.Retry(tb.Context(), "o1") },
	"a second approval": func(tb testing.TB, s *Store) { _ = Owner{Store: s}.Approve(tb.Context(), "o1", 0) },
	"cancelled and retried": func(tb testing.TB, s *Store) {
		must(tb, Owner{Store: s}.Cancel(tb.Context(), "o1", ""))
		must(tb, Owner{Store: s}.Retry(tb.Context(), "o1"))
	},
	"a reload": func(tb testing.TB, s *Store) {
		must(tb, s.Configure(order.Configured{Digest: "another", Services: []order.Sending{{Service: "Images", Mode: "auto"}}}))
	},
	"its code is run now": func(tb testing.TB, s *Store) { must(tb, s.RunNow(order.CodeApproved)) },
	"a pause that ends": func(tb testing.TB, s *Store) {
		must(tb, Owner{Store: s}.Pause(order.Pause{By: "cli:jo"}, nil))
		must(tb, Owner{Store: s}.Resume(""))
	},
	"a restart": func(tb testing.TB, s *Store) {
		must(tb, s.rescue())
	},
}

// TestNothingMovesAnApprovalUp guards that an owner who approves with a delay has all of
// it.
func TestNothingMovesAnApprovalUp(t *testing.T) {
	t.Parallel()
	for name, hurry := range hurries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := openNew(t, Options{})
				paid(t, s, "o1")
				drawn(t, s, "o1", "aa")
				must(t, Owner{Store: s}.Approve(t.Context(), "o1", delay))
				due := time.Now().Add(delay)
				time.Sleep(delay / 2)
				hurry(t, s)
				if next := idle(t, s); !next.Equal(due.Truncate(time.Millisecond)) {
					t.Errorf("it is next looked at %s, want %s", next, due)
				}
				if busy, err := s.HasWork(time.Now()); err != nil || busy {
					t.Errorf("there is work at once: %v, %v", busy, err)
				}
				time.Sleep(delay / 2)
				if j := take(t, s, order.LaneNetwork); j.Stage != order.StageUpload || j.OrderID != "o1" {
					t.Errorf("stage %s of %s runs", j.Stage, j.OrderID)
				}
				s.Close() // within the bubble
			})
		})
	}
}

// TestAnApprovalIsTakenBackUntilItsWorkBegins guards the ten seconds of the console.
func TestAnApprovalIsTakenBackUntilItsWorkBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		o := Owner{Store: s, By: "console:ben"}
		paid(t, s, "o1")
		drawn(t, s, "o1", "aa")
		if err := o.TakeBack(t.Context(), "o1"); err == nil || !strings.Contains(err.Error(), "is not approved") {
			t.Errorf("before any approval: %v", err)
		}
		must(t, o.Approve(t.Context(), "o1", delay))
		if err := o.Approve(t.Context(), "o1", 0); err == nil || !strings.Contains(err.Error(), "goes to the client in 10s") {
			t.Errorf("approved twice: %v", err)
		}
		time.Sleep(delay / 2)
		must(t, o.TakeBack(t.Context(), "o1"))
		if got := getOrder(t, s, "o1"); got.State != order.StateHeld || got.Code != order.CodeReview {
			t.Errorf("taken back, the order is %s %s", got.State, got.Code)
		}
		time.Sleep(time.Hour)
		idle(t, s)
		must(t, o.Approve(t.Context(), "o1", delay))
		time.Sleep(delay)
		j := take(t, s, order.LaneNetwork)
		late := func(when string) {
			if err := o.TakeBack(t.Context(), "o1"); err == nil || !strings.Contains(err.Error(), "on its way") {
				t.Errorf("taken back %s: %v", when, err)
			}
		}
		late("while it is uploaded")
		finish(t, s, order.Done{Job: j, Result: order.Result{Next: order.StageDeliver}})
		late("once it is uploaded")
		if j = take(t, s, order.LaneNetwork); j.Stage != order.StageDeliver {
			t.Errorf("stage %s runs", j.Stage)
		}
		s.Close()
	})
}

// TestAnApprovalForAClientDelaysOnlyWhatIsSent guards that work which only begins does not
// wait for what can be taken back.
func TestAnApprovalForAClientDelaysOnlyWhatIsSent(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.BlockedClient()})
	must(t, Owner{Store: s}.Approve(t.Context(), "o1", delay))
	if j := take(t, s, order.LaneGenerate); j.Stage != order.StageGenerate {
		t.Errorf("stage %s runs", j.Stage)
	}
}

// TestOnlyAnApprovalSendsWhatWaitsForOne guards that a retry sends no files that the owner, or
// the assistant's check, has not found good: not at once, and not after a cancellation either.
func TestOnlyAnApprovalSendsWhatWaitsForOne(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	o := Owner{Store: s}
	paid(t, s, "o1")
	drawn(t, s, "o1", "aa")
	for name, try := range map[string]func() error{
		"a retry":           func() error { return o.Retry(t.Context(), "o1") },
		"a previewed retry": func() error { return o.Preview().Retry(t.Context(), "o1") },
	} {
		err := try()
		if f, ok := errors.AsType[*order.Failure](err); !ok || !strings.Contains(f.Hint, "orders approve o1") || !strings.Contains(f.Hint, "orders redo o1") {
			t.Errorf("%s ends with %v", name, err)
		}
	}
	waits := func(after string) {
		t.Helper()
		idle(t, s)
		if got := getOrder(t, s, "o1"); got.State != order.StateHeld || got.Code != order.CodeReview || got.Reason == "" {
			t.Errorf("after %s the order is %s %q %q", after, got.State, got.Code, got.Reason)
		}
	}
	waits("a retry")
	must(t, errors.Join(o.Cancel(t.Context(), "o1", ""), o.Retry(t.Context(), "o1")))
	waits("a cancellation that was taken back")
	must(t, o.QueueMessage(t.Context(), "o1", "owner-1", "hello"))
	finish(t, s, order.Done{Job: take(t, s, order.LaneNetwork), Failure: order.Failf(order.Hold, order.CodeBadTemplate, "no")})
	must(t, o.Retry(t.Context(), "o1"))
	if j := take(t, s, order.LaneNetwork); j.Kind != order.KindMessage {
		t.Errorf("%s %s runs", j.Kind, j.Stage)
	}
	waits("a retry of its message")
	must(t, o.Approve(t.Context(), "o1", 0))
	if j := take(t, s, order.LaneNetwork); j.Stage != order.StageUpload {
		t.Errorf("after the approval %s runs", j.Stage)
	}
}

// TestADamagedDelayHoldsItsOwnJob guards that the lane goes on.
func TestADamagedDelayHoldsItsOwnJob(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	drawn(t, s, "o1", "aa")
	must(t, Owner{Store: s}.Approve(t.Context(), "o1", delay))
	mustExec(t, outside(t, s.dir), "UPDATE jobs SET not_before = 'soon'")
	idle(t, s)
	if got := getOrder(t, s, "o1"); got.Code != order.CodeRowDamaged {
		t.Errorf("the order is %s %s", got.State, got.Code)
	}
	must(t, Owner{Store: s}.Retry(t.Context(), "o1"))
	take(t, s, order.LaneNetwork)
}

// decision is an action on the order o1 that looks at a fingerprint.
type decision func(tb testing.TB, o Owner) error

func approves(tb testing.TB, o Owner) error { return o.Approve(tb.Context(), "o1", 0) }

func approvesLater(tb testing.TB, o Owner) error { return o.Approve(tb.Context(), "o1", time.Hour) }

func quotes(tb testing.TB, o Owner) error { return o.Quote(tb.Context(), "o1", 15*order.Dollar) }

func cancels(tb testing.TB, o Owner) error { return o.Cancel(tb.Context(), "o1", "") }

func redoes(tb testing.TB, o Owner) error {
	return o.Redo(tb.Context(), "o1", order.Redo{}, func(order.Kind, int) error { return nil })
}

func replies(reason string) decision {
	return func(tb testing.TB, o Owner) error { return o.QueueMessage(tb.Context(), "o1", reason, "hello") }
}

func writes(text string) func(tb testing.TB, s *Store) {
	return func(tb testing.TB, s *Store) {
		asks := []order.Message{{ID: text, Party: order.PartyClient, Text: text, At: placed}}
		_, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: asks, Next: placed})
		must(tb, err)
	}
}

func waitsForApproval(tb testing.TB, s *Store) {
	paid(tb, s, "o1")
	drawn(tb, s, "o1", "aa")
}

func by(name string, do decision) func(tb testing.TB, s *Store) {
	return func(tb testing.TB, s *Store) { must(tb, do(tb, Owner{Store: s, By: order.Console(name)})) }
}

// TestNobodyDecidesOnWhatHeHasNotSeen guards that an action on an order that changed since
// does nothing and says what has changed.
func TestNobodyDecidesOnWhatHeHasNotSeen(t *testing.T) {
	t.Parallel()
	quote := func(tb testing.TB, s *Store) { apply(tb, s, batch(facts("o1", order.PendingQuote))) }
	for name, c := range map[string]struct {
		prepare, meanwhile func(tb testing.TB, s *Store)
		do                 decision
		says               string // "" if the action works
	}{
		"nothing has changed":       {waitsForApproval, func(testing.TB, *Store) {}, approves, ""},
		"a poll shows the same":     {waitsForApproval, func(tb testing.TB, s *Store) { paid(tb, s, "o1") }, approves, ""},
		"the client has written":    {waitsForApproval, writes("make it red"), approves, ""},
		"approved by somebody else": {waitsForApproval, by("ben", approves), approves, "ben approved this order 0s ago; it is on its way"},
		"approved, then redone":     {waitsForApproval, by("ben", approves), redoes, "ben approved this order"},
		"approved with a delay": {
			waitsForApproval, by("ben", approvesLater), approves,
			"ben approved this order 0s ago; it goes to the client in",
		},
		"being made again": {waitsForApproval, by("ben", redoes), approves, "ben had it made again 0s ago"},
		"made again": {waitsForApproval, func(tb testing.TB, s *Store) {
			by("ben", redoes)(tb, s)
			drawn(tb, s, "o1", "bb")
		}, approves, "the files were made again; look at take 2"},
		"made again, then redone": {waitsForApproval, func(tb testing.TB, s *Store) {
			by("ben", redoes)(tb, s)
			drawn(tb, s, "o1", "bb")
		}, redoes, "the files were made again; look at take 2"},
		"cancelled by the client":    {waitsForApproval, func(tb testing.TB, s *Store) { apply(tb, s, batch(facts("o1", order.Cancelled))) }, approves, "the order is cancelled now"},
		"cancelled by the owner":     {waitsForApproval, by("ann", cancels), cancels, "ann cancelled the work on this order 0s ago"},
		"quoted by somebody else":    {quote, by("ben", quotes), quotes, "ben named a price 0s ago"},
		"an answer to what was read": {waitsForApproval, func(testing.TB, *Store) {}, replies("owner-1"), ""},
		"a later message":            {waitsForApproval, writes("make it red"), replies("owner-1"), "the client has written again; read it first"},
		"answered by somebody else":  {waitsForApproval, by("ben", replies("owner-1")), replies("owner-2"), "ben wrote to the client 0s ago; read it first"},
		"the same answer twice":      {waitsForApproval, by("ben", replies("owner-1")), replies("owner-1"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			c.prepare(t, s)
			sight, err := s.Sight(t.Context(), "o1")
			must(t, err)
			c.meanwhile(t, s)
			before := getOrder(t, s, "o1")
			err = c.do(t, Owner{Store: s, By: "console:ann"}.If(sight.Fingerprint()))
			if c.says == "" {
				must(t, err)
				return
			}
			var changed *order.ChangedError
			if !errors.As(err, &changed) || !strings.HasPrefix(err.Error(), "nothing was done: "+c.says) {
				t.Fatalf("it says %v", err)
			}
			if after := getOrder(t, s, "o1"); after.State != before.State || after.Code != before.Code {
				t.Errorf("the order was %s %s and is %s %s", before.State, before.Code, after.State, after.Code)
			}
			now, err := s.Sight(t.Context(), "o1")
			if err != nil || changed.Now != now.Fingerprint() {
				t.Errorf("the fingerprint is %s, and the error has %s, %v", now.Fingerprint(), changed.Now, err)
			}
		})
	}
}

// TestWhatChangesAtTheLastMomentIsRefused guards that the transaction itself looks again.
func TestWhatChangesAtTheLastMomentIsRefused(t *testing.T) {
	t.Parallel()
	var other Owner
	s := openNew(t, Options{Hook: func(point string) error {
		if point == "before:owner.approve" {
			return redoes(t, other)
		}
		return nil
	}})
	other = openOwner(t, s.dir)
	waitsForApproval(t, s)
	sight, err := s.Sight(t.Context(), "o1")
	must(t, err)
	err = approves(t, Owner{Store: s}.If(sight.Fingerprint()))
	var changed *order.ChangedError
	if !errors.As(err, &changed) || !strings.Contains(err.Error(), "had it made again") {
		t.Errorf("it says %v", err)
	}
}
