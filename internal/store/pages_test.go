package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// manyOrders fills the database with n orders, one a minute since a day, the newest last.
// Each seventh failed, each eleventh is the owner's to take back, the rest has ended.
func manyOrders(tb testing.TB, db *sql.DB, n int) (begin time.Time) {
	tb.Helper()
	begin = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	mustExec(tb, db, `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO orders (id, client, service, remote_status, state, code, brief, created_at, due_at, seen_at, changed_at, fingerprint, raw)
		SELECT printf('o%05d', i), 'c', CASE WHEN i = 3 THEN 'Rare' ELSE 'Common' END, 'paid',
		CASE WHEN i % 7 = 0 THEN 'failed' WHEN i % 11 = 0 THEN 'held' ELSE 'completed' END, CASE WHEN i % 7 <> 0 AND i % 11 = 0 THEN 'owner' ELSE '' END,
		'a brief like others', t, t, t, t, 1, '{}'
		FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', ? + i * 60, 'unixepoch') AS t FROM n)`, n, begin.Unix())
	return begin
}

func TestANarrowListLooksAtAFewOrdersAtATime(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	const n = narrowMost + 500
	begin := manyOrders(t, db, n)
	for _, text := range []string{"", "brief like"} {
		q := OrderQuery{State: "all", Client: "c", Text: text, Narrow: Narrow{Service: "Rare"}, Most: 10}
		var found []string
		pages := 0
		for {
			p, err := s.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if pages++; pages > 5 {
				t.Fatal("the list does not end")
			}
			found = append(found, strings.Fields(join(p.Lines))...)
			if p.Next == "" {
				break
			}
			if !p.Partial && len(p.Lines) < q.Most {
				t.Errorf("page %d of %q is short, and does not say that it is partial", pages, text)
			}
			q.OlderThan = p.Next
		}
		if fmt.Sprint(found) != "[o00003]" || pages < 2 {
			t.Errorf("the search for %q finds %v on %d pages", text, found, pages)
		}
	}
	p, err := s.Page(t.Context(), OrderQuery{State: "all", Narrow: Narrow{Since: begin.Add((n - 5) * time.Minute)}, Most: 50})
	if err != nil || len(p.Lines) != 5 || p.Next != "" {
		t.Errorf("since then there are %d orders, next %q, want 5 and no next page: %v", len(p.Lines), p.Next, err)
	}
}

func TestTheGroupsOfAListAreThoseThatAreCounted(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	manyOrders(t, outside(t, s.dir), 100)
	paid(t, s, "w1", "w2")
	c, err := s.CountOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for group, want := range map[Group]int{GroupOpen: c.Open, GroupNeedYou: c.NeedYou, GroupWithClient: c.WithClient} {
		for _, text := range []string{"", "brief"} {
			p, err := s.Page(t.Context(), OrderQuery{Narrow: Narrow{Group: group}, Text: text, Most: 100})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(p.Lines); text == "" && got != want || got > want {
				t.Errorf("%s, searched for %q: %d orders, and %d are counted", group, text, got, want)
			}
		}
	}
}

func TestExtrasAreTheCostAndTheEndOfTheReview(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	paid(t, s, "o1", "o2")
	mustExec(t, db, "INSERT INTO books VALUES ('2026-11-25', 'o1', 'delivery', 'flux', 40000, 0, 1), ('2026-11-26', 'o1', 'delivery', '', 2000, 0, 1)")
	ends := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	mustExec(t, db, "UPDATE orders SET review_deadline_at = '2026-11-28T12:00:00.000Z' WHERE id = 'o1'")
	extras, err := s.Extras(t.Context(), []string{"o1", "o2", "o3"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := extras["o1"], (Extra{42_000 * order.Dollar / 1_000_000, ends}); got != want {
		t.Errorf("the extras of o1 are %+v, want %+v", got, want)
	}
	if got := extras["o2"]; got != (Extra{}) {
		t.Errorf("the extras of o2 are %+v", got)
	}
}
