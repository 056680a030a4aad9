package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// waitsFor leases the order's job and puts it off.
func waitsFor(t *testing.T, s *Store, f order.Failure) {
	t.Helper()
	f.Err = errors.New("it is not time yet")
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: &f, RunAt: time.Now().Add(f.After)})
	time.Sleep(f.After)
}

func rowsOf(t *testing.T, s *Store) int {
	t.Helper()
	return scan[int](t, s.reads, "SELECT (SELECT count(*) FROM attempts) + (SELECT count(*) FROM events) + (SELECT count(*) FROM requests)")
}

// TestWorkThatWaitsForAWeekWritesFewRows guards the size of the database: a job may wait
// for a generator, a cap or a client for as long as it takes, for one reason after another.
func TestWorkThatWaitsForAWeekWritesFewRows(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		paid(t, s, "o1")
		began, before := time.Now(), rowsOf(t, s)
		for range 7 * 24 * 4 {
			waitsFor(t, s, order.Failure{Class: order.Wait, Code: order.CodePaused, After: 5 * time.Minute})
			waitsFor(t, s, order.Failure{Class: order.Wait, Code: order.CodeBudget, After: 5 * time.Minute})
			waitsFor(t, s, order.Failure{Class: order.Retry, Code: order.CodeBusy, Outage: true, After: 5 * time.Minute})
		}
		if rows := rowsOf(t, s) - before; rows != 3 {
			t.Errorf("%d rows", rows)
		}
		h, err := s.History(t.Context(), "o1")
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range h.Attempts {
			first := began.Add(time.Duration(i) * 5 * time.Minute).Truncate(time.Millisecond)
			if a.Looks != 7*24*4 || a.Number != 1 || !a.Started.Equal(first) || a.Ended.Sub(a.Started) < 167*time.Hour {
				t.Errorf("%+v", a)
			}
		}
	})
}

// TestOnlyALookThatWaitedIsCountedInAnotherRow guards what each row stands for: what was
// paid for, a counted attempt, a crash and the owner's retry keep theirs.
func TestOnlyALookThatWaitedIsCountedInAnotherRow(t *testing.T) {
	t.Parallel()
	wait := order.Failure{Class: order.Wait, Code: order.CodePaused, After: time.Minute}
	for name, c := range map[string]struct {
		between func(t *testing.T, s *Store)
		want    string
	}{
		"nothing": {func(*testing.T, *Store) {}, "wait"},
		"another reason": {func(t *testing.T, s *Store) {
			waitsFor(t, s, order.Failure{Class: order.Wait, Code: order.CodeBudget, After: time.Minute})
		}, "wait, wait"},
		"a counted attempt": {func(t *testing.T, s *Store) {
			waitsFor(t, s, order.Failure{Class: order.Retry, Code: order.CodeBusy, After: time.Minute})
		}, "wait, retry, wait"},
		"a look that has cost something": {func(t *testing.T, s *Store) {
			paidFor := wait
			paidFor.Cost = order.Dollar
			waitsFor(t, s, paidFor)
		}, "wait, wait, wait"},
		"a free call": {func(t *testing.T, s *Store) {
			j := take(t, s, order.LaneGenerate)
			if _, err := s.BeginCall(j, order.NewCall{Generator: "own"}); err != nil {
				t.Fatal(err)
			}
			finish(t, s, order.Done{Job: j, Failure: &order.Failure{Class: order.Wait, Code: order.CodePaused}})
		}, "wait, wait"},
		"a crash": {func(t *testing.T, s *Store) {
			take(t, s, order.LaneGenerate)
			if err := s.rescue(); err != nil {
				t.Fatal(err)
			}
		}, "wait, crashed, wait"},
		"the owner's retry": {func(t *testing.T, s *Store) {
			o := Owner{Store: s}
			if err := errors.Join(o.Cancel(t.Context(), "o1", ""), o.Retry(t.Context(), "o1")); err != nil {
				t.Fatal(err)
			}
		}, "wait, wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *Store) {
				paid(t, s, "o1")
				waitsFor(t, s, wait)
				c.between(t, s)
				waitsFor(t, s, wait)
				var got []string
				for _, o := range outcomes(t, s, "o1") {
					got = append(got, o[strings.LastIndex(o, " ")+1:])
				}
				if strings.Join(got, ", ") != c.want {
					t.Errorf("%v, want %s", got, c.want)
				}
			})
		})
	}
}
