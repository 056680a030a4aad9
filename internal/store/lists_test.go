package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"atelierd/internal/order"
)

// walk returns the ids of all pages of a list.
func walk(t *testing.T, s *Store, q OrderQuery) (ids []string) {
	t.Helper()
	for range 50 {
		p, err := s.Page(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Lines {
			ids = append(ids, l.ID)
		}
		if p.Next == "" {
			return ids
		}
		if len(p.Lines) != q.Most && !p.Partial {
			t.Fatalf("%+v: a page has %d orders, and does not say that it is partial", q, len(p.Lines))
		}
		q.OlderThan = p.Next
	}
	t.Fatalf("%+v: the list does not end", q)
	return nil
}

// TestEachListHasWhatItIsAskedFor guards that a list has the same orders by whichever index it
// is read.
func TestEachListHasWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	const n = 1300
	begin := manyOrders(t, db, n)
	mustExec(t, db, "UPDATE orders SET client = 'd' WHERE substr(id, -1) IN ('3', '7')")
	all, err := s.Orders(t.Context(), "all", n)
	if err != nil || len(all) != n {
		t.Fatal(len(all), err)
	}
	ofClient := map[string]string{}
	for _, l := range all {
		ofClient[l.ID] = scan[string](t, db, "SELECT client FROM orders WHERE id = ?", l.ID)
	}
	for _, state := range []string{"", "all", "completed", "failed"} {
		for _, client := range []string{"", "c", "d"} {
			for _, service := range []string{"", "Rare", "Common"} {
				for _, since := range []time.Time{{}, begin.Add(2 * time.Hour)} {
					q := OrderQuery{State: state, Client: client, Narrow: Narrow{Service: service, Since: since}, Most: 300}
					var want []string
					for _, l := range all {
						open := l.State != order.StateCompleted && l.State != order.StateCancelled
						if (state == "all" || state == string(l.State) || state == "" && open) && (client == "" || client == ofClient[l.ID]) &&
							(service == "" || service == l.Service) && !l.Created.Before(since) {
							want = append(want, l.ID)
						}
					}
					if got := walk(t, s, q); !slices.Equal(got, want) {
						t.Errorf("%+v: %d orders, want %d", q, len(got), len(want))
					}
				}
			}
		}
	}
}

// TestAListOfAGeneratorHasEachOrderOnce guards that an order stands where its last call is.
func TestAListOfAGeneratorHasEachOrderOnce(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	begin := manyOrders(t, db, 40)
	mustExec(t, db, `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, created_at, changed_at)
		SELECT id, 'delivery', 0, 'generate', 'generate', 0, 'done', due_at, due_at, due_at, due_at FROM orders ORDER BY id`)
	mustExec(t, db, `INSERT INTO attempts (job_id, stage, attempt, started_at) SELECT id, 'generate', 1, created_at FROM jobs`)
	call := func(number int, generator string) {
		mustExec(t, db, `INSERT INTO calls (job_id, attempt_id, generator, key, state, cost_usd_micros, began_at)
			SELECT id, id, ?, hex(randomblob(8)), 'done', 0, created_at FROM jobs WHERE order_id = ?`, generator, fmt.Sprintf("o%05d", number))
	}
	for i := range 40 {
		call(i, []string{"flux", "veo"}[i%2])
	}
	for _, i := range []int{2, 2, 30, 4} { // again, later than all others
		call(i, "flux")
	}
	want := []string{"o00004", "o00030", "o00002"}
	for i := 38; i >= 0; i -= 2 {
		if id := fmt.Sprintf("o%05d", i); !slices.Contains(want, id) {
			want = append(want, id)
		}
	}
	if got := walk(t, s, OrderQuery{State: "all", Narrow: Narrow{Generator: "flux"}, Most: 3}); !slices.Equal(got, want) {
		t.Errorf("the list is %v, want %v", got, want)
	}
	since := Narrow{Generator: "veo", Since: begin.Add(35 * time.Minute)}
	if got := walk(t, s, OrderQuery{State: "all", Narrow: since, Most: 3}); fmt.Sprint(got) != "[o00039 o00037 o00035]" {
		t.Errorf("since a time the list is %v", got)
	}
	failed := OrderQuery{State: "failed", Narrow: Narrow{Generator: "veo"}, Most: 3}
	if got := walk(t, s, failed); fmt.Sprint(got) != "[o00035 o00021 o00007]" {
		t.Errorf("those that failed are %v", got)
	}
	if got := walk(t, s, OrderQuery{State: "completed", Narrow: Narrow{Generator: "veo", Service: "Rare"}, Most: 3}); fmt.Sprint(got) != "[o00003]" {
		t.Errorf("those of a rare service are %v", got)
	}
}

func TestAFailedPayoutStandsFirstUntilItIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	manyOrders(t, db, 30)
	mustExec(t, db, "UPDATE orders SET completed_at = created_at, price_usd_micros = 5000000 WHERE state = 'completed'")
	shown := func() (first Unpaid, attention int) {
		p, err := s.Payouts(t.Context(), 3)
		if err != nil || len(p.Orders) != 3 {
			t.Fatal(p, err)
		}
		return p.Orders[0], scan[int](t, db, "SELECT count(*) FROM v_attention WHERE code = 'payout_failed'")
	}
	event := func(kind, text string) {
		mustExec(t, db, "INSERT INTO events (at, order_id, kind, text) VALUES ('2026-11-21T00:00:00.000Z', 'o00001', ?, ?)", kind, text)
	}
	if u, n := shown(); u.Failed != "" || n != 0 {
		t.Errorf("at first %+v, %d", u, n)
	}
	for range 2 {
		event("payout failed", "the bank said no")
		if u, n := shown(); u.ID != "o00001" || u.Failed != "the bank said no" || n != 1 {
			t.Errorf("after it failed %+v, %d", u, n)
		}
		event("payout asked", "")
		if u, n := shown(); u.Failed != "" || n != 0 {
			t.Errorf("after it was asked for %+v, %d", u, n)
		}
	}
	event("payout failed", "no")
	mustExec(t, db, "UPDATE orders SET payout_tx = 'tx' WHERE id = 'o00001'")
	if u, n := shown(); u.ID == "o00001" || n != 0 {
		t.Errorf("after it was paid %+v, %d", u, n)
	}
}
