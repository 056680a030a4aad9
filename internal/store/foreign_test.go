package store

import (
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// TestTwoOrdersWithinAnHourShowASecondDaemon guards an owner who settles an order by
// hand now and then.
func TestTwoOrdersWithinAnHourShowASecondDaemon(t *testing.T) {
	t.Parallel()
	type act struct {
		after time.Duration
		id    string
	}
	for name, c := range map[string]struct {
		acts []act
		want bool
	}{
		"one order":              {[]act{{0, "o1"}}, false},
		"one order again":        {[]act{{0, "o1"}, {time.Minute, "o1"}}, false},
		"two orders":             {[]act{{0, "o1"}, {59 * time.Minute, "o2"}}, true},
		"two orders, far apart":  {[]act{{0, "o1"}, {61 * time.Minute, "o2"}}, false},
		"one again, and another": {[]act{{0, "o1"}, {50 * time.Minute, "o1"}, {50 * time.Minute, "o2"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			synctest.Test(t, func(t *testing.T) {
				s := openNew(t, Options{Dir: dir})
				defer s.Close()
				var notified []string
				s.Notify(func(c Change) {
					if c.SecondDaemon != "" {
						notified = append(notified, c.SecondDaemon)
					}
				})
				for _, a := range c.acts {
					time.Sleep(a.after)
					paid(t, s, a.id)
					if err := s.ForeignAct(a.id, "delivered"); err != nil {
						t.Fatal(err)
					}
				}
				why, err := s.SecondDaemon(t.Context())
				if err != nil || (why != "") != c.want || (len(notified) == 1) != c.want {
					t.Errorf("SecondDaemon = %q, %v, notified of %q", why, err, notified)
				}
				open, err := Owner{Store: s}.AcceptRestore()
				if err != nil || open != c.want {
					t.Errorf("AcceptRestore = %v, %v", open, err)
				}
				// What was before counts no more.
				if err := s.ForeignAct("o2", "delivered"); err != nil {
					t.Fatal(err)
				}
				if why, err := s.SecondDaemon(t.Context()); c.want && (err != nil || why != "") {
					t.Errorf("after it was accepted, SecondDaemon = %q, %v", why, err)
				}
			})
		})
	}
}

// TestAPollCommitsWhatSomebodyElseDid guards that what a row shows is recorded with the
// row: the next poll does not show it as news.
func TestAPollCommitsWhatSomebodyElseDid(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	paid(t, s, "o2")
	var got []order.Record
	batch := order.Batch{Mark: mark, Decide: decide, Foreign: func(r order.Record, _ order.Facts) string {
		got = append(got, r)
		return "delivered"
	}}
	batch.Orders = []order.Facts{facts("o1", order.Delivered), facts("o2", order.Delivered), facts("o3", order.Delivered)}
	for range 2 {
		if _, err := s.Apply(batch); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[0].Status != order.Paid || got[0].Settled {
		t.Errorf("compared %+v, want the two orders that were known, as they were before", got)
	}
	if why, err := s.SecondDaemon(t.Context()); err != nil || why == "" {
		t.Errorf("SecondDaemon = %q, %v", why, err)
	}
}
