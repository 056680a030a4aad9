package store

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// TestADigestAddsUpItsDayAlone guards that nothing of the days before and after counts, and
// that what is spent on any order counts on the day of the attempt.
func TestADigestAddsUpItsDayAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{Dir: dir})
		for _, id := range []string{"o1", "o2", "o3"} { // one on each day
			deliverForMoney(t, s, id)
			time.Sleep(24 * time.Hour)
		}
		from := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
		d, err := s.Digest(t.Context(), "2000-01-02", from, from.Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if d.Came != 1 || d.Delivered != 1 || d.Completed != 1 || d.Earned != 9*order.Dollar/2 || d.Spent != order.Dollar/4 ||
			d.Profit() != 17*order.Dollar/4 || !slices.Equal(d.Links, []string{"https://x/o2.png"}) || d.Quiet() {
			t.Errorf("the day is %+v", d)
		}
		before, err := s.Digest(t.Context(), "1999-12-31", from.AddDate(0, 0, -2), from.AddDate(0, 0, -1))
		if err != nil || !before.Quiet() {
			t.Errorf("a day without anything is %+v, %v", before, err)
		}
	})
}

// deliverForMoney has an order come, cost something, be delivered and be completed.
func deliverForMoney(t *testing.T, s *Store, id string) {
	t.Helper()
	price := 5 * order.Dollar
	f := facts(id, order.Paid)
	f.Price, f.CreatedAt = &price, time.Now()
	apply(t, s, batch(f))
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Next: order.StageDeliver, Cost: order.Dollar / 4}})
	j := take(t, s, order.LaneNetwork)
	if err := s.Intend(j, []string{"https://x/" + id + ".png"}); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	f.Status, f.CompletedAt = order.Completed, time.Now()
	apply(t, s, batch(f))
}

func TestADigestIsStoredOnceADay(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	n := order.Digest{Day: "2026-11-25"}.Notice()
	for _, day := range []string{"2026-11-25", "2026-11-25", "2026-11-24"} {
		if err := s.AddDigest("phone", day, &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddDigest("mail", "2026-11-25", nil); err != nil {
		t.Fatal(err)
	}
	if day, err := s.DigestDay(t.Context(), "phone"); day != "2026-11-25" || err != nil {
		t.Errorf("the last day is %q, %v", day, err)
	}
	d, _, err := s.NextDispatch(phone, time.Minute, false)
	if err != nil || d == nil || d.Title != n.Line {
		t.Errorf("sent %+v, %v", d, err)
	}
	if d, _, err := s.NextDispatch(order.Listener{Name: "mail"}, time.Minute, false); d != nil || err != nil {
		t.Errorf("the new target gets %+v, %v", d, err)
	}
}
