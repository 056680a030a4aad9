package store

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// spendAll makes a call of the job that uses up a cap of 100,000 and puts the
// job off, which does not count as an attempt.
func spendAll(t *testing.T, s *Store) order.Job {
	t.Helper()
	j := take(t, s, order.LaneGenerate)
	if _, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 100_000, Caps: order.Caps{Attempt: 100_000}}); err != nil {
		t.Fatalf("the first call of an attempt: %v", err)
	}
	return j
}

// capped reports whether the cap forbids the job of s another call.
func capped(t *testing.T, s *Store) bool {
	t.Helper()
	j := take(t, s, order.LaneGenerate)
	c, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 100_000, Caps: order.Caps{Attempt: 100_000}})
	if err == nil {
		if err := s.CloseCall(c.ID, order.CallRefused, 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	f, ok := errors.AsType[*order.Failure](err)
	if err != nil && (!ok || f.Code != order.CodeAttemptCap) {
		t.Fatalf("a call beyond the cap: %v", err)
	}
	finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Wait, order.CodePaused, "later")})
	return err != nil
}

// TestOnlyTheOwnersRetryLiftsTheCapOnAnAttempt guards that no other act of the
// owner that the timeline shows starts the sum again.
func TestOnlyTheOwnersRetryLiftsTheCapOnAnAttempt(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: spendAll(t, s), Failure: order.Failf(order.Wait, order.CodePaused, "later")})
	if !capped(t, s) {
		t.Fatal("an attempt that had to wait was given its cap twice")
	}
	owner := openOwner(t, s.dir)
	if err := owner.QueueMessage(t.Context(), "o1", "owner-1", "it takes a little longer"); err != nil {
		t.Fatal(err)
	}
	if !capped(t, s) {
		t.Error("a message to the client lifted the cap")
	}
	for name, again := range map[string]func() error{
		"retry": func() error { return owner.Retry(t.Context(), "o1") },
		"redo":  func() error { return owner.Redo(t.Context(), "o1", order.Redo{}, keepFiles) },
	} {
		apply(t, s, gone()) // holds the job without an outcome of its attempt
		if err := again(); err != nil {
			t.Fatal(err)
		}
		apply(t, s, batch(facts("o1", order.Paid)))
		finish(t, s, order.Done{Job: spendAll(t, s), Failure: order.Failf(order.Wait, order.CodePaused, "later")})
		if !capped(t, s) {
			t.Errorf("after a %s the attempt had no cap", name)
		}
	}
}

// TestTheMarketplaceLiftsNoCap guards that an order that vanishes from the
// listing and comes back does not start the sum again.
func TestTheMarketplaceLiftsNoCap(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	finish(t, s, order.Done{Job: spendAll(t, s), Failure: order.Failf(order.Wait, order.CodePaused, "later")})
	for _, l := range []order.Batch{gone(), back("o1")} {
		apply(t, s, l)
	}
	if !capped(t, s) {
		t.Error("an order that came back was given its cap twice")
	}
}

// gone is a complete listing without any order; back shows one as paid again,
// and lets its held work run.
func gone() order.Batch {
	b := batch()
	b.Complete = true
	return b
}

func back(id string) order.Batch {
	b := batch(facts(id, order.Paid))
	b.Decide = func(k order.Known, f order.Facts) order.Decision {
		d := decide(k, f)
		d.Jobs = order.JobsRelease
		return d
	}
	return b
}

// TestAResultIsLateOnlyWhileItIsLookedFor guards that a night in which the daemon was stopped
// does not use up the time that a result may be late.
func TestAResultIsLateOnlyWhileItIsLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		paid(t, s, "o1")
		c, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio"})
		must(t, err)
		late := func() time.Duration {
			d, err := s.CallLate(c.ID)
			must(t, err)
			return d
		}
		for want := range 8 {
			if got := late(); got != time.Duration(want)*time.Minute {
				t.Errorf("a result that is looked for each minute is late by %s at look %d", got, want+1)
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(8 * time.Hour)
		if got := late(); got != 0 {
			t.Errorf("after a night without a look it is late by %s", got)
		}
		time.Sleep(order.LateGap)
		if got := late(); got != order.LateGap {
			t.Errorf("at the longest gap it is late by %s", got)
		}
		must(t, s.CallRuns(c.ID))
		if got := late(); got != 0 {
			t.Errorf("after it has run again it is late by %s", got)
		}
	})
}

// TestALateResultIsHeldAlthoughWorkersLookSeldom guards that busy workers, which look at a late
// result between two long jobs, do not put its end off for as long as they are busy.
func TestALateResultIsHeldAlthoughWorkersLookSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		paid(t, s, "o1")
		c, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio"})
		must(t, err)
		const between = 40 * time.Minute
		for round := range 2 { // the second one is after the owner's retry
			for look, want := range []time.Duration{0, 0, 0, between} {
				got, err := s.CallLate(c.ID)
				must(t, err)
				if got != want {
					t.Errorf("round %d: a result that is looked for every %s is late by %s at look %d, not %s", round, between, got, look+1, want)
				}
				time.Sleep(between)
			}
		}
	})
}
