package store

import (
	"context"
	"testing"
	"time"

	"atelierd/internal/order"
)

// submitted makes an order whose job waits for the result of a call that can be cancelled,
// and returns the job and the call.
func submitted(t *testing.T, s *Store) (order.Job, order.Call) {
	t.Helper()
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	c, err := s.BeginCall(j, order.NewCall{Agent: "a", Generator: "studio", Price: 50_000, Cancels: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CallSubmitted(c.ID, "job-1"); err != nil {
		t.Fatal(err)
	}
	return j, c
}

// wanted returns the calls whose job is to be cancelled, whenever that is due.
func wanted(t *testing.T, s *Store) []order.Cancellation {
	t.Helper()
	list, err := s.Cancellations(t.Context(), time.Now().Add(day))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func open(t *testing.T, s *Store, j order.Job) []order.Call {
	t.Helper()
	calls, err := s.OpenCalls(t.Context(), j, order.PurposeMake)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// elsewhere is a listing that shows the order as delivered by somebody else.
func elsewhere() order.Batch {
	b := batch(facts("o1", order.Delivered))
	b.Decide = func(k order.Known, f order.Facts) order.Decision {
		d := decide(k, f)
		d.Jobs, d.Reason = order.JobsElsewhere, "delivered elsewhere"
		return d
	}
	return b
}

// held holds the job of a call, so that the owner can have it made again.
func held(t *testing.T, s *Store, j order.Job) {
	t.Helper()
	finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Hold, order.CodeOverdue, "the job has no result")})
}

// TestAnOrderThatEndsCancelsItsCall guards that the wish is durable in the transaction
// that ends the work, and that no later work resumes the job.
func TestAnOrderThatEndsCancelsItsCall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *Store, order.Job){
		"the client cancels it":  func(t *testing.T, s *Store, _ order.Job) { apply(t, s, batch(facts("o1", order.Cancelled))) },
		"it is completed":        func(t *testing.T, s *Store, _ order.Job) { apply(t, s, batch(facts("o1", order.Completed))) },
		"a poll shows elsewhere": func(t *testing.T, s *Store, _ order.Job) { apply(t, s, elsewhere()) },
		"a look shows elsewhere": func(t *testing.T, s *Store, j order.Job) {
			finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryElsewhere}})
		},
		"the owner cancels it": func(t *testing.T, s *Store, _ order.Job) {
			if err := openOwner(t, s.dir).Cancel(t.Context(), "o1", ""); err != nil {
				t.Fatal(err)
			}
		},
		"the owner has it made again": func(t *testing.T, s *Store, j order.Job) {
			held(t, s, j)
			if err := openOwner(t, s.dir).Redo(t.Context(), "o1", order.Redo{}, keepFiles); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			j, c := submitted(t, s)
			end(t, s, j)
			abandon(t, s)
			s = openNew(t, Options{Dir: s.dir})
			list := wanted(t, s)
			if len(list) != 1 || list[0].Call.ID != c.ID || list[0].Call.Ticket != "job-1" || list[0].Call.Cost != 50_000 ||
				list[0].OrderID != "o1" || list[0].Tries != 0 {
				t.Fatalf("to be cancelled: %+v", list)
			}
			if calls := open(t, s, j); len(calls) != 0 {
				t.Errorf("a later attempt would resume %+v", calls)
			}
			if state := scan[string](t, s.reads, "SELECT state FROM v_calls"); state != "cancelling" {
				t.Errorf("the owner reads %q", state)
			}
			if err := s.CloseCall(c.ID, order.CallFailed, 20_000, "cancelled"); err != nil {
				t.Fatal(err)
			}
			if state := scan[string](t, s.reads, "SELECT state || ' ' || cost_usd FROM v_calls"); state != "cancelled 0.02" || len(wanted(t, s)) != 0 {
				t.Errorf("after it was settled the owner reads %q, and %+v are to be cancelled", state, wanted(t, s))
			}
		})
	}
}

// TestWorkThatMayResumeCancelsNothing guards the jobs at the provider that are still
// needed, or of which it cannot be known.
func TestWorkThatMayResumeCancelsNothing(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j, _ := submitted(t, s)
	for name, pause := range map[string]func(){
		"a stop": func() {
			finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Stopped, order.CodeStopped, "stop")})
		},
		"a vanished order": func() { apply(t, s, gone()) },
	} {
		pause()
		if list := wanted(t, s); len(list) != 0 || len(open(t, s, j)) != 1 {
			t.Errorf("%s: %+v are to be cancelled", name, list)
		}
	}
	abandon(t, s)
	s = openNew(t, Options{Dir: s.dir})
	if list := wanted(t, s); len(list) != 0 || len(open(t, s, j)) != 1 {
		t.Errorf("a crash: %+v are to be cancelled", list)
	}
}

// TestOnlyAJobOfAProviderThatCancelsIsCancelled guards that other open calls stay as they
// are when their order ends: a retry resumes the job, which is paid for.
func TestOnlyAJobOfAProviderThatCancelsIsCancelled(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	for _, c := range []order.NewCall{{Generator: "a", Cancels: true}, {Generator: "b"}} {
		began, err := s.BeginCall(j, c)
		if err == nil && !c.Cancels {
			err = s.CallSubmitted(began.ID, "job-1")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	apply(t, s, batch(facts("o1", order.Cancelled)))
	if list := wanted(t, s); len(list) != 0 || len(open(t, s, j)) != 2 {
		t.Errorf("%+v are to be cancelled, and %+v can be resumed", list, open(t, s, j))
	}
}

// TestAProvidersIDThatComesAfterTheEndIsCancelled guards the call whose answer was under
// way when its order ended.
func TestAProvidersIDThatComesAfterTheEndIsCancelled(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	c, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio", Cancels: true})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, batch(facts("o1", order.Cancelled)))
	woken := make(chan Change, 8)
	s.Notify(func(c Change) { woken <- c })
	if err := s.CallSubmitted(c.ID, "job-1"); err != nil {
		t.Fatal(err)
	}
	if list := wanted(t, s); len(list) != 1 || list[0].Call.Ticket != "job-1" {
		t.Fatalf("to be cancelled: %+v", list)
	}
	if change := <-woken; !change.Cancellations {
		t.Errorf("the commit said %+v", change)
	}
}

// TestATryToCancelIsCountedAndPutOff guards the tries against crashes.
func TestATryToCancelIsCountedAndPutOff(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	_, c := submitted(t, s)
	apply(t, s, batch(facts("o1", order.Cancelled)))
	ctx, next := context.Background(), time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	if stands, err := s.CountCancellation(c.ID, next); err != nil || !stands {
		t.Fatal(stands, err)
	}
	abandon(t, s)
	s = openNew(t, Options{Dir: s.dir})
	due, err := s.Cancellations(ctx, time.Now())
	if err != nil || len(due) != 0 || wanted(t, s)[0].Tries != 1 {
		t.Errorf("due at once: %+v, %v; in all: %+v", due, err, wanted(t, s))
	}
	if at, err := s.NextCancellation(ctx); err != nil || !at.Equal(next) {
		t.Errorf("the next try is at %v, %v", at, err)
	}
	if err := s.CloseCall(c.ID, order.CallUnknown, 0, ""); err != nil {
		t.Fatal(err)
	}
	if stands, err := s.CountCancellation(c.ID, next); err != nil || stands {
		t.Errorf("a closed call is tried again: %v, %v", stands, err)
	}
	if at, err := s.NextCancellation(ctx); err != nil || !at.IsZero() {
		t.Errorf("the next try is at %v, %v", at, err)
	}
}

// TestARetryAfterACancelledCallMakesAnother guards that the new call has a row and a key
// of its own.
func TestARetryAfterACancelledCallMakesAnother(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	_, c := submitted(t, s)
	owner := openOwner(t, s.dir)
	if err := owner.Cancel(t.Context(), "o1", ""); err != nil {
		t.Fatal(err)
	}
	if err := owner.Retry(t.Context(), "o1"); err != nil {
		t.Fatal(err)
	}
	j := take(t, s, order.LaneGenerate)
	again, err := s.BeginCall(j, order.NewCall{Agent: "a", Generator: "studio", Price: 50_000, Cancels: true})
	if err != nil || again.ID == c.ID || again.Key == c.Key {
		t.Fatalf("the call after the cancellation is %+v, %v; the first was %+v", again, err, c)
	}
	if calls := open(t, s, j); len(calls) != 1 || calls[0].ID != again.ID {
		t.Errorf("open: %+v", calls)
	}
	if list := wanted(t, s); len(list) != 1 || list[0].Call.ID != c.ID {
		t.Errorf("to be cancelled: %+v", list)
	}
}
