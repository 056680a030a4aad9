package store

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

// window writes an order of a window, whose client has asked for one piece. Its
// delivery is done.
func window(t *testing.T, s *Store, id string) {
	t.Helper()
	paid(t, s, id)
	asks := []order.Message{{ID: "m1", Party: order.PartyClient, Text: "a fox", At: placed}}
	if _, err := s.ApplyThread(order.Thread{OrderID: id, Messages: asks, Pieces: true, Next: placed}); err != nil {
		t.Fatal(err)
	}
	if n := pieceJobs(t, s, id, order.JobReady); n != 1 {
		t.Fatalf("%d pieces are ready, want 1", n)
	}
	mustExec(t, outside(t, s.dir), "UPDATE jobs SET state = 'done' WHERE kind = 'delivery'")
}

// pieceJobs counts the piece jobs of an order in a state.
func pieceJobs(t *testing.T, s *Store, id string, state order.JobState) (n int) {
	t.Helper()
	pieces, err := s.Pieces(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		if p.Job == state {
			n++
		}
	}
	return n
}

func complete(list ...order.Facts) order.Batch {
	b := batch(list...)
	b.Complete = true
	return b
}

// TestAPieceOfAVanishedOrderIsHeldAndResumes guards that a piece does not wait for ever
// for a sight of its order, when nothing else of the order runs.
func TestAPieceOfAVanishedOrderIsHeldAndResumes(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	window(t, s, "o1")
	leasedNow := take(t, s, order.LaneGenerate)
	var told Change
	s.Notify(func(c Change) { told.add(c) })
	keep := complete()
	keep.Vanished = func(k order.Known) order.Decision {
		return order.Decision{State: k.State, Code: k.Code, Note: "no longer listed"}
	}
	apply(t, s, keep)
	if pieceJobs(t, s, "o1", order.JobHeld) != 1 || !told.Revoked {
		t.Errorf("the order has vanished, and its piece runs; a lease was revoked: %t", told.Revoked)
	}
	if lost, err := s.Renew([]order.Job{leasedNow}, lease); err != nil || len(lost) != 1 {
		t.Errorf("the lease of the piece still stands: lost %v, %v", lost, err)
	}
	st, err := s.Status(t.Context(), time.Now())
	if err != nil || len(st.Attention) != 1 || st.Attention[0].Code != order.CodeVanished || st.Attention[0].Hint == "" {
		t.Errorf("the owner is shown %+v, %v", st.Attention, err)
	}
	apply(t, s, complete(facts("o1", order.Paid)))
	if j := take(t, s, order.LaneGenerate); j.Kind != order.KindPiece || j.Attempt != 1 {
		t.Errorf("the order is listed again, and attempt %d of a %s was leased", j.Attempt, j.Kind)
	}
}

// TestWorkOfAVanishedOrderThatTheOwnerRetriesIsHeldAgain guards that no job asks for a
// vanished order without end.
func TestWorkOfAVanishedOrderThatTheOwnerRetriesIsHeldAgain(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	apply(t, s, complete())
	if err := (Owner{Store: s}).Retry(t.Context(), "o1"); err != nil {
		t.Fatal(err)
	}
	live := batch()
	live.Mark = 1 << 30
	if got := apply(t, s, live); got.Missing != 1 {
		t.Errorf("the order is missing, it is worked on, and %d orders count as missing", got.Missing)
	}
	all := complete()
	all.Mark = live.Mark
	apply(t, s, all)
	if o := getOrder(t, s, "o1"); o.State != order.StateHeld || o.Code != order.CodeVanished {
		t.Errorf("after the next complete listing it is %s (%s)", o.State, o.Code)
	}
}

// TestAThreadReadWhileItsOrderEndedOpensNoPiece guards that nothing is made for an order
// that ended while its thread was on its way, and that its thread is not read for ever.
func TestAThreadReadWhileItsOrderEndedOpensNoPiece(t *testing.T) {
	t.Parallel()
	for _, status := range []order.Status{order.Completed, order.Cancelled} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			window(t, s, "o1")
			apply(t, s, batch(facts("o1", status)))
			asks := []order.Message{{ID: "m2", Party: order.PartyClient, Text: "an owl", At: placed}}
			if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: asks, Pieces: true, Next: placed}); err != nil {
				t.Fatal(err)
			}
			pieces, err := s.Pieces(t.Context(), "o1")
			if err != nil || len(pieces) != 1 || pieces[0].Job != order.JobCancelled {
				t.Errorf("the pieces are %+v, %v", pieces, err)
			}
			if ids, next, err := s.DueThreads(t.Context(), placed.AddDate(1, 0, 0), 10); err != nil || len(ids) > 0 || !next.IsZero() {
				t.Errorf("its thread is due again: %v at %s, %v", ids, next, err)
			}
		})
	}
}

// TestACompleteListingClosesWorkOfEndedOrders guards that work is closed that was opened
// after its order had ended, as earlier versions did.
func TestACompleteListingClosesWorkOfEndedOrders(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	window(t, s, "o1")
	window(t, s, "o2")
	apply(t, s, batch(facts("o1", order.Completed), facts("o2", order.Paid)))
	mustExec(t, outside(t, s.dir), "UPDATE jobs SET state = 'ready' WHERE kind = 'piece'")
	apply(t, s, batch(facts("o2", order.Paid)))
	if pieceJobs(t, s, "o1", order.JobReady) != 1 {
		t.Error("an incomplete listing has closed work")
	}
	all := complete(facts("o1", order.Completed), facts("o2", order.Paid))
	all.Decide = func(k order.Known, _ order.Facts) order.Decision { return order.Decision{State: k.State, Code: k.Code} }
	apply(t, s, all)
	if pieceJobs(t, s, "o1", order.JobCancelled) != 1 || pieceJobs(t, s, "o2", order.JobReady) != 1 {
		t.Errorf("closed: %d of the ended order; ready: %d of the other", pieceJobs(t, s, "o1", order.JobCancelled), pieceJobs(t, s, "o2", order.JobReady))
	}
}
