package store

import (
	"testing"

	"atelierd/internal/order"
)

// TestWorkLeftOfAnEndedOrderKeepsWhatItWaitedFor guards that an order that is opened again
// later waits for the owner still.
func TestWorkLeftOfAnEndedOrderKeepsWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	drawn(t, s, "o1", "aa")
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE orders SET state = 'cancelled', remote_status = 'cancelled', code = 'cancelled' WHERE id = 'o1'")
	listed := batch()
	listed.Complete = true
	apply(t, s, listed)
	if got := scan[string](t, db, "SELECT state || ' ' || code FROM jobs WHERE order_id = 'o1'"); got != "cancelled review" {
		t.Errorf("the work is %s", got)
	}
}

// TestAReleaseLeavesPiecesThatWaitForApproval guards the pieces of an order that is released
// while it shows that they wait.
func TestAReleaseLeavesPiecesThatWaitForApproval(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	drawn(t, s, "o1", "aa")
	db := outside(t, s.dir)
	mustExec(t, db, `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, code, reason, due_at, run_at, created_at, changed_at)
		SELECT order_id, 'piece', 1, stage, lane, priority, 'held', 'review', reason, due_at, run_at, created_at, changed_at FROM jobs`)
	again := batch(facts("o1", order.Paid))
	again.Decide = func(k order.Known, f order.Facts) order.Decision {
		d := decide(k, f)
		d.Jobs = order.JobsRelease
		return d
	}
	apply(t, s, again)
	if got := scan[string](t, db, "SELECT group_concat(kind || ' ' || state || ' ' || code, ', ') FROM (SELECT * FROM jobs ORDER BY kind)"); got != "delivery held review, piece held review" {
		t.Errorf("after the release there is %s", got)
	}
}
