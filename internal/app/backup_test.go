package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestABackupWhileFiftyOrdersAreInWorkDoesNothingTwice backs up a daemon that works, lets
// it work on until its machine dies, and restores the backup into another folder. Nothing
// is delivered or said twice, nothing that was delivered is paid for again, and the books
// agree with the marketplace.
func TestABackupWhileFiftyOrdersAreInWorkDoesNothingTwice(t *testing.T) {
	t.Parallel()
	first, second, copies := storetest.Dir(t), t.TempDir(), filepath.Join(t.TempDir(), "copies")
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(first, func() {
			for i := range 50 {
				d.place(fmt.Sprintf("order %d", i), sandbox.NewOrder{})
			}
			time.Sleep(18 * time.Minute)
			d.backUp(first, copies)
			time.Sleep(10 * time.Minute)
		})
		before, paid := d.done(), d.paid()
		delivered := func() (n int) {
			for name := range d.orders {
				n += min(d.done()[name+": deliveries"], 1)
			}
			return n
		}
		copied := d.deliveredIn(copies)
		if n := delivered(); copied == 0 || n <= copied || n == 50 {
			t.Fatalf("%d orders were delivered at the backup, and %d at the end of the machine; want some in between", copied, n)
		}
		_, err := backup.Restore(backup.Restoring{From: copies, DataDir: second, Database: store.FileName, ReadLedger: store.ReadCopy})
		d.must(err)
		d.runOn(second, func() { time.Sleep(2 * time.Hour) })
		if n := d.paid() - paid; n != 0 {
			t.Errorf("%d calls were made before the restore was accepted", n)
		}
		d.seesRestore(second)
		d.runOn(second, func() {
			owner, err := store.OpenOwner(second, "cli:test")
			d.must(err)
			defer owner.Close()
			_, err = owner.AcceptRestore()
			d.must(err)
			d.wake()
			time.Sleep(3 * time.Hour)
		})
		now := d.done()
		for name, id := range d.orders {
			if now[name+": deliveries"] != 1 {
				t.Errorf("%s was delivered %d times", name, now[name+": deliveries"])
			}
			if made := id + " round 0 piece 0"; before[name+": deliveries"] == 1 && now[made] != 1 {
				t.Errorf("%s, which was delivered, was made %d times", name, now[made])
			}
		}
		for what, n := range now {
			if strings.Contains(what, ": message: ") && n != 1 {
				t.Errorf("%s: %d times", what, n)
			}
		}
		d.booksAgree(second)
	})
}

// paid returns how many calls the generator has had.
func (d *drill) paid() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, each := range d.made {
		n += each
	}
	return n
}

// backUp makes a backup of a folder whose daemon runs.
func (d *drill) backUp(dir, to string) {
	d.t.Helper()
	st, err := store.OpenReader(dir)
	d.must(err)
	defer st.Close()
	cfg := *d.cfg
	cfg.DataDir, cfg.Dir = dir, dir
	src, err := BackupSource(&cfg, nil, st)
	d.must(err)
	_, err = backup.Make(context.Background(), src, backup.Options{To: to, Now: time.Now()})
	d.must(err)
	report, err := backup.Verify(to, store.ReadCopy)
	d.must(err)
	if len(report.Problems) > 0 {
		d.t.Errorf("the backup has the problems %+v", report.Problems)
	}
}

// deliveredIn returns how many orders are delivered in the ledger of the backup.
func (d *drill) deliveredIn(copies string) int {
	d.t.Helper()
	dir := d.t.TempDir()
	_, err := backup.Restore(backup.Restoring{From: copies, DataDir: filepath.Join(dir, "look"), Database: store.FileName, ReadLedger: store.ReadCopy})
	d.must(err)
	st, err := store.OpenReader(filepath.Join(dir, "look"))
	d.must(err)
	defer st.Close()
	lines, err := st.Orders(context.Background(), string(order.StateDelivered), 1000)
	d.must(err)
	return len(lines)
}

// booksAgree checks that the ledger has each order as the marketplace shows it.
func (d *drill) booksAgree(dir string) {
	d.t.Helper()
	st, err := store.OpenReader(dir)
	d.must(err)
	defer st.Close()
	d.must(st.Check(context.Background()))
	lines, err := st.Orders(context.Background(), "all", 1000)
	d.must(err)
	if len(lines) != len(d.orders) {
		d.t.Errorf("the ledger has %d orders, the marketplace %d", len(lines), len(d.orders))
	}
	for _, l := range lines {
		if o, _ := d.market.Order(l.ID); string(l.Status) != o.Status || l.State != order.StateDelivered {
			d.t.Errorf("order %s is %s and %s in the ledger, and %s at the marketplace", l.ID, l.State, l.Status, o.Status)
		}
	}
}
