package app

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestAFullThreadIsNotWrittenToAgainAfterARestoreWithoutATrace puts a copy of the whole
// folder back that is older than an order. All that was done on the order is a message, and
// the client wrote more than the marketplace shows before it. So nothing shows the restore.
// Of what the daemon says, that message is said once, and what it says of its own delivery
// still goes out.
func TestAFullThreadIsNotWrittenToAgainAfterARestoreWithoutATrace(t *testing.T) {
	t.Parallel()
	dirs := [2]string{storetest.Dir(t), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dirs[0], func() {})
		copyFolder(t, dirs[1], dirs[0])
		d.runOn(dirs[0], func() {
			d.place("slow roses", sandbox.NewOrder{})
			for n := range order.ThreadPage + 1 {
				d.must(d.market.ClientMessage(d.orders["slow roses"], fmt.Sprint("and another thing, number ", n)))
			}
			time.Sleep(10 * time.Minute)
		})
		if n := d.done()["slow roses: message: begun begun"]; n != 1 {
			t.Fatalf("before the restore the client reads %d times that work has begun", n)
		}
		d.runOn(dirs[1], func() { time.Sleep(2 * time.Hour) })
		said := d.done()
		if n := said["slow roses: message: begun begun"]; n != 1 {
			t.Errorf("the client reads %d times that work has begun", n)
		}
		id := d.orders["slow roses"]
		o, _ := d.market.Order(id)
		if last := o.Messages[len(o.Messages)-1]; len(o.Deliveries) != 1 || last.Content != "delivered "+o.Deliveries[0].URLs[0] {
			t.Errorf("%d deliveries, and the client reads last %q", len(o.Deliveries), last.Content)
		}
		st, err := store.OpenReader(dirs[1])
		d.must(err)
		defer st.Close()
		if l := must(st.Ledger(t.Context())); !l.RestoredAt.IsZero() {
			t.Errorf("the restore was noticed, so this test is of no use: %+v", l)
		}
		var states []order.OutState
		for _, m := range must(st.Outbox(t.Context(), id)) {
			states = append(states, m.State)
		}
		if fmt.Sprint(states) != "[unknown sent]" {
			t.Errorf("the outbox has messages that are %s", states)
		}
	})
}
