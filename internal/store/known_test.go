package store

import (
	"testing"

	"atelierd/internal/order"
)

// TestAListedOrderThatHasEndedHidesNoMissingOne guards the count that spares most
// polls the list of open orders.
func TestAListedOrderThatHasEndedHidesNoMissingOne(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	apply(t, s, batch(facts("o1", order.Paid), facts("o2", order.Completed)))
	if got := apply(t, s, batch(facts("o2", order.Completed))); got.Missing != 1 {
		t.Errorf("applied %+v, want o1 missing", got)
	}
}

// TestADecisionKnowsTheQuoteAndTheRedeliveries guards that what few orders have is
// read for those orders, with several of them in one listing.
func TestADecisionKnowsTheQuoteAndTheRedeliveries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	list := []order.Facts{facts("o1", order.Paid), facts("o2", order.Paid), facts("o3", order.Paid), facts("o4", order.Paid)}
	apply(t, s, batch(list...))
	db := outside(t, dir)
	mustExec(t, db, `INSERT INTO quotes (order_id, price_usd_micros, source, state) VALUES ('o2', 1, 'owner', 'sending')`)
	mustExec(t, db, `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, created_at, changed_at)
		SELECT 'o3', 'quote', 0, 'price', 'generate', 0, 'held', due_at, run_at, created_at, changed_at FROM jobs WHERE order_id = 'o3'`)
	mustExec(t, db, `INSERT INTO redeliveries (order_id, round, n, reason, state, created_at) VALUES
		('o4', 0, 1, 'paid', 'dropped', '2026-01-01T00:00:00.000Z'), ('o4', 0, 2, 'paid', 'confirmed', '2026-01-01T00:00:00.000Z'),
		('o4', 0, 3, 'owner', 'wanted', '2026-01-01T00:00:00.000Z')`)
	l := batch(list...)
	got := map[string]order.Known{}
	l.Decide = func(k order.Known, f order.Facts) order.Decision {
		got[f.ID] = k
		return decide(k, f)
	}
	apply(t, s, l)
	for id, want := range map[string]order.Known{
		"o1": {},
		"o2": {Quote: order.QuoteSending},
		"o3": {Quoting: order.JobHeld},
		"o4": {Again: 1, AgainFor: order.AgainForOwner},
	} {
		k := got[id]
		if k.Quote != want.Quote || k.Quoting != want.Quoting || k.Again != want.Again || k.AgainFor != want.AgainFor {
			t.Errorf("%s is known as %+v, want %+v", id, k, want)
		}
	}
}
