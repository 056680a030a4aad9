package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestTheOwnerIsShownThatTheDatabaseWasRemoved guards a file that is removed while the
// daemon runs: it is noticed, nothing begins again, and the copy has all that was done.
func TestTheOwnerIsShownThatTheDatabaseWasRemoved(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		alert := func() string {
			st, err := store.OpenReader(dir)
			d.must(err)
			defer st.Close()
			return must(st.Fact(context.Background(), string(order.AlertDatabase.Code())))
		}
		d.runOn(dir, func() {
			d.must(os.Remove(filepath.Join(dir, store.FileName)))
			d.place("one", sandbox.NewOrder{})
			time.Sleep(20 * time.Minute)
		})
		if err := store.Lost(dir); !errors.Is(err, store.ErrLost) {
			t.Fatalf("the folder without its database: %v", err)
		}
		d.must(os.Rename(filepath.Join(dir, store.RescuedName), filepath.Join(dir, store.FileName)))
		if text := alert(); !strings.Contains(text, "was removed") {
			t.Errorf("the alert is %q", text)
		}
		d.runOn(dir, func() {})
		if text := alert(); text != "" {
			t.Errorf("with the copy in its place the alert is %q", text)
		}
		if o, _ := d.market.Order(d.orders["one"]); len(o.Deliveries) != 1 || len(d.made) != 1 {
			t.Errorf("the order has %d deliveries and was made %v, want once", len(o.Deliveries), d.made)
		}
	})
}
