package app

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// TestNothingIsPaidForAnOrderThatTheComparisonShowsCancelled guards an order that its client
// cancels between the first poll of a process and the read that compares the ledger. Nothing
// is missing from the ledger, so that work may begin.
func TestNothingIsPaidForAnOrderThatTheComparisonShowsCancelled(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.runOn(dir, func() {}) // its services are listed
		d.place("roses", sandbox.NewOrder{})
		d.slow, d.reads = time.Second, 37*time.Second
		stop := d.start(d.open(dir))
		time.Sleep(10 * time.Second)
		d.must(d.market.Cancel(d.orders["roses"]))
		time.Sleep(20 * time.Minute)
		stop()
		if len(d.made) > 0 {
			t.Errorf("made for a cancelled order: %v", d.made)
		}
	})
}
