package store

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// stuck returns what the owner is shown as failing.
func stuck(t *testing.T, s *Store) (list []Attention) {
	t.Helper()
	st, err := s.Status(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range st.Attention {
		if a.State == "failing" {
			list = append(list, a)
		}
	}
	return list
}

// failFor has the one job fail every ten minutes for that long, with the codes in turn.
func failFor(t *testing.T, s *Store, d time.Duration, f order.Failure, codes ...order.Code) {
	t.Helper()
	for i := range int(d / (10 * time.Minute)) {
		j := take(t, s, order.LaneGenerate)
		own := f
		own.Code = codes[i%len(codes)]
		finish(t, s, order.Done{Job: j, Failure: &own})
		time.Sleep(10 * time.Minute)
	}
}

func TestAFailureThatRepeatsForHoursIsShownWhateverItsClass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure order.Failure
		codes   []order.Code
		shown   bool
	}{
		"an outage":          {order.Failure{Class: order.Retry, Outage: true}, []order.Code{order.CodeNoAnswer}, true},
		"a retry":            {order.Failure{Class: order.Retry}, []order.Code{order.CodeError}, true},
		"a wait":             {order.Failure{Class: order.Wait}, []order.Code{order.CodeSettling}, true},
		"an expected wait":   {order.Failure{Class: order.Wait}, []order.Code{order.CodeWindow}, false},
		"different failures": {order.Failure{Class: order.Retry, Outage: true}, []order.Code{order.CodeNoAnswer, order.CodeServerError}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			synctest.Test(t, func(t *testing.T) {
				s := openNew(t, Options{Dir: dir})
				defer s.Close()
				paid(t, s, "o1")
				failFor(t, s, 3*time.Hour, c.failure, c.codes...)
				if list := stuck(t, s); len(list) != 0 {
					t.Errorf("shown too early: %+v", list)
				}
				failFor(t, s, 30*time.Minute, c.failure, c.codes...)
				list := stuck(t, s)
				if (len(list) == 1) != c.shown {
					t.Fatalf("after hours: %+v", list)
				}
				if c.shown && (list[0].ID != "o1" || list[0].What != "order" || !strings.Contains(list[0].Reason, "since 2000-01-01T00:00Z")) {
					t.Errorf("%+v", list[0])
				}
				failFor(t, s, 10*time.Minute, c.failure, "another")
				if list := stuck(t, s); len(list) != 0 {
					t.Errorf("after another failure: %+v", list)
				}
				finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageUpload}})
				if list := stuck(t, s); len(list) != 0 {
					t.Errorf("after a success: %+v", list)
				}
			})
		})
	}
}
