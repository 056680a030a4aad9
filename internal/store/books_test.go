package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

// booked lists what the books have, and attempted what the attempts and calls say.
const (
	booked = `SELECT coalesce(group_concat(row, x'0a'), '') FROM (SELECT day || ' ' || order_id || ' ' || kind || ' ' || generator || ' ' ||
		cost_usd_micros || ' ' || lost_usd_micros || ' ' || attempts AS row FROM books
		WHERE cost_usd_micros <> 0 OR lost_usd_micros <> 0 OR attempts <> 0 ORDER BY 1)`
	attempted = `SELECT coalesce(group_concat(row, x'0a'), '') FROM (
		SELECT day || ' ' || id || ' ' || kind || ' ' || generator || ' ' || sum(cost) || ' ' || sum(lost) || ' ' || sum(n) AS row FROM (
			SELECT substr(a.started_at, 1, 10) AS day, j.order_id AS id, j.kind AS kind, '' AS generator,
			       a.cost_usd_micros - coalesce((SELECT sum(c.cost_usd_micros) FROM calls AS c WHERE c.attempt_id = a.id), 0) AS cost, 0 AS lost,
			       a.cost_usd_micros > 0 AS n
			FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
			UNION ALL
			SELECT substr(coalesce(a.started_at, c.began_at), 1, 10), coalesce(j.order_id, ''), coalesce(j.kind, 'sample'), c.generator, c.cost_usd_micros,
			       CASE WHEN c.state IN ('failed', 'refused', 'expired', 'unknown') THEN c.cost_usd_micros ELSE 0 END,
			       c.job_id IS NULL AND c.cost_usd_micros > 0
			FROM calls AS c LEFT JOIN attempts AS a ON a.id = c.attempt_id LEFT JOIN jobs AS j ON j.id = c.job_id)
		GROUP BY day, id, kind, generator HAVING sum(cost) <> 0 OR sum(lost) <> 0 OR sum(n) <> 0 ORDER BY 1)`
)

// spend has orders and samples with every kind of cost: one order that is completed, one
// whose calls bought nothing, and one whose program said what it had cost.
func spend(t *testing.T, s *Store) {
	t.Helper()
	call := func(state order.CallState, cost order.USD) {
		j := take(t, s, order.LaneGenerate)
		asked, err := s.BeginCall(j, order.NewCall{Generator: order.Assistant, Purpose: order.PurposePrompt, Price: 2_000})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseCall(asked.ID, cmp.Or(state, order.CallDone), 1_000, ""); err != nil {
			t.Fatal(err)
		}
		c, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if state != "" {
			if err := s.CloseCall(c.ID, state, cost, ""); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Wait, "later", "not yet")})
	}
	paid(t, s, "o1")
	for i, state := range []order.CallState{order.CallDone, order.CallFailed, order.CallExpired, order.CallUnknown, ""} {
		call(state, 10_000<<i)
	}
	price := order.USD(5_000_000)
	f := facts("o1", order.Completed)
	f.Price, f.CompletedAt = &price, placed
	apply(t, s, batch(f))
	paid(t, s, "o2")
	call(order.CallRefused, 0)
	failed := order.Failf(order.Retry, order.CodeExit, "it broke")
	failed.Cost = 30_000
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: failed})
	for _, state := range []order.CallState{order.CallDone, order.CallFailed} {
		c, err := s.BeginSample(sample("studio", 50_000, order.Caps{}))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseCall(c.ID, state, 60_000, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// money returns every figure about money that the owner can see.
func money(t *testing.T, s *Store) string {
	t.Helper()
	var text strings.Builder
	for _, since := range []time.Time{{}, order.Day(time.Now()), time.Now().Add(time.Hour)} {
		fmt.Fprintf(&text, "%+v\n", accounts(t, s, Period{From: since, First: since.UTC().Format(time.DateOnly)}))
	}
	payouts, err := s.Payouts(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&text, "%+v\n", payouts)
	views := moneyViews(t, s)
	if len(views) < 10 {
		t.Fatalf("the views about money are %q", views)
	}
	for view, columns := range views {
		views[view] = scan[string](t, s.reads, "SELECT coalesce(group_concat(row, x'0a'), '') FROM (SELECT concat_ws('|', "+columns+") AS row FROM "+view+" ORDER BY 1)")
	}
	for _, view := range slices.Sorted(maps.Keys(views)) {
		fmt.Fprintf(&text, "%s:\n%s\n", view, views[view])
	}
	return text.String()
}

// moneyViews returns the views with an amount of money and their columns. The rows of
// v_attempts and v_calls are what is pruned, and so is the column raw.
func moneyViews(t *testing.T, s *Store) map[string]string {
	t.Helper()
	rows, err := s.reads.QueryContext(t.Context(), `SELECT v.name, group_concat('coalesce(' || c.name || ', ''NULL'')')
		FROM sqlite_schema AS v JOIN pragma_table_info(v.name) AS c
		WHERE v.type = 'view' AND v.name GLOB 'v_*' AND v.name NOT IN ('v_attempts', 'v_calls') AND c.name <> 'raw'
		GROUP BY v.name HAVING sum(c.name GLOB '*_usd') > 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	views := map[string]string{}
	for rows.Next() {
		var view, columns string
		if err := rows.Scan(&view, &columns); err != nil {
			t.Fatal(err)
		}
		views[view] = columns
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return views
}

// TestTheBooksOutlastAttemptsAndCalls guards every figure about money: none changes when
// attempts and calls are pruned.
func TestTheBooksOutlastAttemptsAndCalls(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	spend(t, s)
	if got, want := scan[string](t, s.reads, booked), scan[string](t, s.reads, attempted); got != want || strings.Count(got, "\n") < 3 {
		t.Errorf("the books have\n%s\nwant\n%s", got, want)
	}
	before := money(t, s)
	db := outside(t, s.dir)
	mustExec(t, db, "DELETE FROM calls")
	mustExec(t, db, "DELETE FROM attempts")
	if after := money(t, s); after != before {
		t.Errorf("after pruning it is\n%s\nbefore\n%s", after, before)
	}
}

// TestTheBooksBeginWithWhatIsThere guards the upgrade of a database that has attempts and
// calls, with and without a job.
func TestTheBooksBeginWithWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	file := atVersion(t, dir, 27)
	for i, call := range []string{"7, 3, '', 'studio', 'done', 30000", "7, 3, '', 'other', 'failed', 5000", "NULL, NULL, '{}', 'studio', 'unknown', 2000", "NULL, NULL, '{}', 'studio', 'done', 0"} {
		mustExec(t, file, fmt.Sprintf("INSERT INTO calls (job_id, attempt_id, sample, generator, state, cost_usd_micros, key, began_at) VALUES (%s, 'k%d', %s)", call, i, written))
	}
	file.Close()
	s := openNew(t, Options{Dir: dir})
	got, want := scan[string](t, s.reads, booked), scan[string](t, s.reads, attempted)
	if got != want || strings.Count(got, "\n") != 3 {
		t.Errorf("the books have\n%s\nwant\n%s", got, want)
	}
}
