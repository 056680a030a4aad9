package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestAnOrderThatCannotBeReadAfterARestoreIsHeldAlone guards pieces that the ledger has
// forgotten. Only the thread shows that they were made, and the marketplace cannot show
// it for hours. Other orders are worked on meanwhile.
func TestAnOrderThatCannotBeReadAfterARestoreIsHeldAlone(t *testing.T) {
	t.Parallel()
	for name, lives := range map[string]int{"in one life": 1, "in two lives": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dirs := [4]string{storetest.Dir(t), t.TempDir(), t.TempDir(), t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, restore{noCap: true})
				d.runOn(dirs[0], func() {
					d.place("another, which can be read", sandbox.NewOrder{})
					d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly})
					time.Sleep(time.Hour)
				})
				copyFolder(t, dirs[1], dirs[0])
				d.runOn(dirs[0], func() { d.must(d.market.ClientMessage(d.orders["window"], "a red one")); time.Sleep(time.Hour) })
				copyFolder(t, dirs[2], dirs[0])
				databaseBesideNewer(t, dirs[3], dirs[1], dirs[2])
				d.cfg.Spending = config.Spending{} // no cap holds the pieces
				// Threads are read in between two tries of the comparison.
				u := &unread{d, d.orders["window"], time.Now(), time.Now().Add(9*time.Hour + 10*time.Second)}
				for range lives {
					stop := d.start(d.openWith(dirs[3], u))
					time.Sleep(time.Hour)
					d.must(d.market.ClientMessage(u.id, "a blue one"))
					time.Sleep(time.Hour)
					stop()
				}
				d.seesRestore(dirs[3])
				stop := d.start(d.openWith(dirs[3], u))
				d.place("new", sandbox.NewOrder{})
				time.Sleep(2 * time.Hour)
				if o, _ := d.market.Order(d.orders["new"]); len(o.Deliveries) != 1 || d.made[u.id+" round 0 piece 2"] != 0 {
					t.Errorf("a new order has %d deliveries, and these were made: %v", len(o.Deliveries), d.made)
				}
				time.Sleep(6 * time.Hour)
				owner, err := store.OpenOwner(dirs[3], "cli:test")
				d.must(err)
				defer owner.Close()
				must(owner.AcceptRestore())
				d.wake()
				time.Sleep(3 * time.Hour)
				stop()
				d.once()
				if n := d.made[u.id+" round 0 piece 2"]; n != 1 {
					t.Errorf("the piece that was asked for meanwhile was made %d times; made: %v", n, d.made)
				}
			})
		})
	}
}

// TestTheOwnerRetriesAnOrderThatCannotBeReadAfterARestore guards an order whose thread the
// marketplace never shows again.
func TestTheOwnerRetriesAnOrderThatCannotBeReadAfterARestore(t *testing.T) {
	t.Parallel()
	dirs := [4]string{storetest.Dir(t), t.TempDir(), t.TempDir(), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{noCap: true})
		d.runOn(dirs[0], func() {
			d.place("another, which can be read", sandbox.NewOrder{})
			time.Sleep(time.Minute)
		})
		copyFolder(t, dirs[1], dirs[0])
		d.runOn(dirs[0], func() {})
		copyFolder(t, dirs[2], dirs[0])
		databaseBesideNewer(t, dirs[3], dirs[1], dirs[2])
		d.place("one", sandbox.NewOrder{})
		id := d.orders["one"]
		stop := d.start(d.openWith(dirs[3], &unread{d, id, time.Now(), time.Now().Add(1000 * time.Hour)}))
		time.Sleep(2 * time.Hour)
		owner, err := store.OpenOwner(dirs[3], "cli:test")
		d.must(err)
		defer owner.Close()
		if o := must(owner.Order(context.Background(), id)); o.State != order.StateHeld || o.Code != order.CodeUncompared {
			t.Errorf("the order is %s %s: %s", o.State, o.Code, o.Hint)
		}
		d.must(owner.Retry(context.Background(), id))
		d.wake()
		time.Sleep(3 * time.Hour)
		stop()
		if o, _ := d.market.Order(id); len(o.Deliveries) != 1 {
			t.Errorf("after the owner's retry it has %d deliveries", len(o.Deliveries))
		}
	})
}
