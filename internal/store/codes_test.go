package store

import (
	"io/fs"
	"testing"

	"atelierd/db"
	"atelierd/internal/order"
)

// TestAnUpgradeGivesHeldWorkTodaysCodes guards that an order that an older
// version has held is shown with today's code and can be released.
func TestAnUpgradeGivesHeldWorkTodaysCodes(t *testing.T) {
	t.Parallel()
	upgrade, err := fs.ReadFile(db.Migrations(), "00008_codes.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		class    order.Class
		old, now order.Code
	}{
		{order.Hold, order.CodeKeyRefused, order.CodeProviderKeyRefused},
		{order.Wait, order.CodeKeyRefused, order.CodeKeyRefused}, // the marketplace's
		{order.Hold, "key_missing", order.CodeProviderKeyMissing},
		{order.Hold, order.CodeNoAnswer, order.CodeNeverArrived},
		{order.Fail, order.CodeNotFound, order.CodeNotFound},
	} {
		t.Run(string(c.class+" "+order.Class(c.old)), func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			s := openNew(t, Options{Dir: dir})
			paid(t, s, "o1")
			finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(c.class, c.old, "no")})
			mustExec(t, outside(t, dir), string(upgrade))
			h, err := s.History(t.Context(), "o1")
			if err != nil || h.Attempts[0].Code != c.now {
				t.Errorf("the attempt has the code %q (%v), want %q", h.Attempts[0].Code, err, c.now)
			}
			if c.class == order.Wait {
				return // the order continues and has no code
			}
			if o := getOrder(t, s, "o1"); o.Code != c.now {
				t.Errorf("the order has the code %q, want %q", o.Code, c.now)
			}
			s.Close()
			if err := openOwner(t, dir).Retry(t.Context(), "o1"); err != nil {
				t.Errorf("it cannot be released: %v", err)
			}
		})
	}
}
