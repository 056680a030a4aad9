package store

import (
	"context"
	"errors"
	"testing"

	"atelierd/internal/order"
)

func TestAListingIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	b := batch(facts("o1", order.Paid), facts("o2", order.Quoted))
	if got := apply(t, s, b); got.Counts != (order.Counts{New: 2}) {
		t.Errorf("the first listing: %+v", got)
	}
	before := dump(t, s)
	if got := apply(t, s, b); got.Counts != (order.Counts{}) {
		t.Errorf("the same listing again: %+v", got)
	}
	if after := dump(t, s); after != before {
		t.Errorf("the same listing again changed the file\nbefore:\n%s\nafter:\n%s", before, after)
	}
	f := facts("o2", order.Paid)
	if got := apply(t, s, batch(facts("o1", order.Paid), f)); got.Counts != (order.Counts{Changed: 1}) {
		t.Errorf("one order changed: %+v", got)
	}
	if l := job(t, s, "o2"); l.Job != order.JobReady || l.Status != order.Paid {
		t.Errorf("the order that was paid has status %s, job %q", l.Status, l.Job)
	}
}

func TestAListingOlderThanOurChangeIsIgnored(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	stale, err := s.Mark(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// The poll was sent; before its answer is applied, we deliver.
	if err := s.Intend(j, nil); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	before := dump(t, s)

	b := batch(facts("o1", order.Cancelled))
	b.Mark = stale
	apply(t, s, b)
	gone := batch()
	gone.Mark, gone.Complete = stale, true
	apply(t, s, gone)
	if after := dump(t, s); after != before {
		t.Errorf("a listing from before our delivery changed the file\nbefore:\n%s\nafter:\n%s", before, after)
	}

	fresh, err := s.Mark(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b.Mark = fresh
	apply(t, s, b)
	if o := getOrder(t, s, "o1"); o.State != order.StateCancelled {
		t.Errorf("a listing from after it left the order %s, want cancelled", o.State)
	}
}

func TestAnOrderIsMissedThatNoPartShowsWhileAnotherEnds(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2", "o3")
	first := batch(facts("o1", order.Completed))
	first.More = true
	last := batch(facts("o2", order.Paid))
	last.Earlier, last.EarlierOpen = map[string]bool{"o1": true}, apply(t, s, first).Open
	if got := apply(t, s, last); got.Missing != 1 {
		t.Errorf("o3 is in no part, and %d orders are missing", got.Missing)
	}
}

func TestAnOrderVanishesOnlyFromACompleteListing(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	if got := apply(t, s, batch(facts("o2", order.Paid))); got.Counts != (order.Counts{Missing: 1}) {
		t.Errorf("an incomplete listing: %+v", got)
	}
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking || !o.MissingAt.IsZero() {
		t.Errorf("after an incomplete listing the order is %s, missing at %v", o.State, o.MissingAt)
	}
	// Its work runs while the complete listing comes.
	running := take(t, s, order.LaneGenerate)
	var told Change
	s.Notify(func(c Change) { told.add(c) })
	b := batch(facts("o2", order.Paid))
	b.Complete = true
	if got := apply(t, s, b); got.Counts != (order.Counts{Missing: 1}) {
		t.Errorf("a complete listing: %+v", got)
	}
	o := getOrder(t, s, "o1")
	if o.State != order.StateHeld || o.Code != order.CodeVanished || o.MissingAt.IsZero() {
		t.Errorf("after a complete listing the order is %s %q, missing at %v", o.State, o.Code, o.MissingAt)
	}
	if !told.Revoked {
		t.Error("the engine was not notified of a revoked lease")
	}
	if lost, err := s.Renew([]order.Job{running}, lease); err != nil || len(lost) != 1 {
		t.Errorf("the vanished order's lease still stands: lost %v, %v", lost, err)
	}
	if got := apply(t, s, b); got.Counts != (order.Counts{}) {
		t.Errorf("still missing counts as news: %+v", got)
	}
	// It comes back.
	back := batch(facts("o1", order.Paid), facts("o2", order.Paid))
	back.Decide = func(k order.Known, f order.Facts) order.Decision {
		d := decide(k, f)
		if k.Missing && k.Job == order.JobHeld {
			d.Jobs = order.JobsRelease
		}
		return d
	}
	if got := apply(t, s, back); got.Counts != (order.Counts{Changed: 1}) {
		t.Errorf("the listing with it again: %+v", got)
	}
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking || o.Code != "" || !o.MissingAt.IsZero() {
		t.Errorf("the returned order is %s %q, missing at %v", o.State, o.Code, o.MissingAt)
	}
	if j := take(t, s, order.LaneGenerate); j.OrderID != "o1" || j.Attempt != 1 {
		t.Errorf("leased attempt %d of %s, want the first of the returned order", j.Attempt, j.OrderID)
	}
}

func TestAnEndedOrderIsNeverMissing(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	apply(t, s, batch(facts("done", order.Completed), facts("gone", order.Cancelled)))
	b := batch()
	b.Complete = true
	if got := apply(t, s, b); got.Counts != (order.Counts{}) {
		t.Errorf("ended orders that are no longer listed: %+v", got)
	}
}

func TestABadRowIsKeptAndHurtsOnlyItself(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "known")
	b := batch(facts("good", order.Paid))
	b.Complete = true
	b.Bad = []order.BadRow{
		{ID: "known", Reason: "price is not a number", Raw: []byte(`{"id":"known","price":"??"}`)},
		{Reason: "not an object", Raw: []byte("\xff\x00garbage")},
	}
	if got := apply(t, s, b); got.Counts != (order.Counts{New: 1, Unreadable: 2}) {
		t.Errorf("applied %+v; a listed but unreadable order is not missing", got)
	}
	apply(t, s, b)
	db := outside(t, s.dir)
	if n := scan[int](t, db, "SELECT count(*) FROM unreadable WHERE times = 2"); n != 2 {
		t.Errorf("%d rows are recorded as seen twice, want each of the 2 once", n)
	}
	if o := getOrder(t, s, "known"); o.State != order.StateWorking {
		t.Errorf("the order whose row was unreadable is %s, want working as before", o.State)
	}
	st, err := s.Status(t.Context(), placed)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Attention) != 2 || st.Attention[0].What != "row" {
		t.Errorf("attention %+v, want the two rows", st.Attention)
	}
}

func TestAnOrderThatCannotBeWrittenIsSetAsideAndHurtsOnlyItself(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	f := facts("broken", order.Paid)
	f.Raw = []byte("{")
	sum, err := s.Apply(batch(facts("before", order.Paid), f, facts("after", order.Paid)))
	if err != nil || sum.New != 2 || sum.Unreadable != 1 {
		t.Fatalf("applied %+v, %v; want two new orders and one set aside", sum, err)
	}
	for _, id := range []string{"before", "after"} {
		if o, err := s.Order(t.Context(), id); err != nil || o.State != order.StateWorking {
			t.Errorf("order %s is %q, %v", id, o.State, err)
		}
	}
	if _, err := s.Order(t.Context(), "broken"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the broken order: %v", err)
	}
}

func TestAMissingFieldKeepsItsLastValue(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	price, max := order.USD(5_000_000), 2
	f := facts("o1", order.Paid)
	f.Price, f.MaxRevisions, f.Answers, f.ReviewDeadline = &price, &max, []byte(`["red"]`), placed.Add(day)
	apply(t, s, batch(f))
	apply(t, s, batch(facts("o1", order.InProgress)))
	o := getOrder(t, s, "o1")
	if o.Status != order.InProgress || o.Price == nil || *o.Price != price || o.MaxRevisions == nil || *o.MaxRevisions != 2 ||
		string(o.Answers) != `["red"]` || !o.ReviewDeadline.Equal(placed.Add(day)) {
		t.Errorf("after a row without them: %+v", o)
	}
}

func TestHostileTextComesBackAsItWent(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	f := facts("o'1\"; DROP TABLE orders; --", order.Paid)
	f.Brief = "'; DELETE FROM jobs; --\n\x1b[31m \u202e emoji 🎨 \u0000 end"
	f.ReferenceURLs = []string{"https://x/?a='\"", ""}
	apply(t, s, batch(f))
	o := getOrder(t, s, f.ID)
	if o.Brief != f.Brief || len(o.ReferenceURLs) != 2 || o.ReferenceURLs[0] != f.ReferenceURLs[0] {
		t.Errorf("read back %q %q", o.Brief, o.ReferenceURLs)
	}
	if j := take(t, s, order.LaneGenerate); j.OrderID != f.ID {
		t.Errorf("leased %q", j.OrderID)
	}
}

func TestACancelledOrderEndsItsWork(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	var told Change
	s.Notify(func(c Change) { told.add(c) })
	apply(t, s, batch(facts("o1", order.Cancelled)))
	if l := job(t, s, "o1"); l.Job != order.JobCancelled || l.State != order.StateCancelled {
		t.Errorf("job %s, order %s; want both cancelled", l.Job, l.State)
	}
	if !told.Revoked {
		t.Error("the engine was not notified of a revoked lease")
	}
	if err := s.Intend(j, nil); err == nil {
		t.Error("a delivery of a cancelled order was let through")
	}
}

func TestANewRoundIsANewJob(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	if err := s.Intend(j, nil); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	b := batch(facts("o1", order.Disputed))
	b.Decide = func(k order.Known, f order.Facts) order.Decision {
		return order.Decision{State: order.StateWorking, Round: k.Round + 1, Jobs: order.JobsOpen, DueAt: placed, Note: "the client wants changes"}
	}
	apply(t, s, b)
	next := take(t, s, order.LaneGenerate)
	if next.Round != 1 || next.Attempt != 1 || next.ID == j.ID {
		t.Errorf("leased %+v, want the first attempt of round 1", next)
	}
	if d, ok, err := s.Delivery(t.Context(), "o1", 0); err != nil || !ok || d.State != order.DeliveryConfirmed {
		t.Errorf("the delivery of round 0 is %+v, %v, %v", d, ok, err)
	}
	if _, ok, err := s.Delivery(t.Context(), "o1", 1); err != nil || ok {
		t.Errorf("round 1 counts as delivered: %v, %v", ok, err)
	}
}

func TestADeliveryThatHadNoAnswerIsSettledByTheListing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jobs     order.JobsAction
		job      order.JobState
		delivery order.DeliveryState
	}{
		"it has arrived":          {order.JobsDelivered, order.JobDone, order.DeliveryConfirmed},
		"somebody else delivered": {order.JobsElsewhere, order.JobCancelled, order.DeliveryElsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			j := toDeliver(t, s, "o1")
			if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
				t.Fatal(err)
			}
			finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Hold, order.CodeNoAnswer, "no answer")})
			b := batch(facts("o1", order.Delivered))
			b.Decide = func(k order.Known, f order.Facts) order.Decision {
				if k.Job != order.JobHeld || k.Delivery != order.DeliverySending {
					t.Errorf("decided on job %s, delivery %s; want held, sending", k.Job, k.Delivery)
				}
				return order.Decision{State: order.StateDelivered, Jobs: c.jobs, Note: "seen in the listing", Reason: "by hand"}
			}
			apply(t, s, b)
			if l := job(t, s, "o1"); l.Job != c.job || l.State != order.StateDelivered {
				t.Errorf("job %s, order %s; want %s, delivered", l.Job, l.State, c.job)
			}
			d, ok, err := s.Delivery(t.Context(), "o1", 0)
			if err != nil || !ok || d.State != c.delivery {
				t.Errorf("delivery %+v, %v, %v; want %s", d, ok, err, c.delivery)
			}
		})
	}
}

// A restored ledger knows that files were uploaded, and not that they were delivered. The
// delivery that the marketplace shows is recorded, so that a client may send it back.
func TestADeliveryThatIsFoundIsRecorded(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	j := toDeliver(t, s, "o1")
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed, Note: "found delivered"}})
	d, ok, err := s.Delivery(t.Context(), "o1", 0)
	if err != nil || !ok || d.State != order.DeliveryConfirmed || d.Tries != 0 {
		t.Errorf("delivery %+v, %v, %v; want one that is confirmed and was never sent from here", d, ok, err)
	}
	b := batch(facts("o1", order.Disputed))
	b.Decide = func(k order.Known, f order.Facts) order.Decision {
		if k.Delivery != order.DeliveryConfirmed || k.Job != order.JobDone {
			t.Errorf("decided on job %s, delivery %s; want done, confirmed", k.Job, k.Delivery)
		}
		return order.Decision{State: order.StateDelivered}
	}
	apply(t, s, b)
}
