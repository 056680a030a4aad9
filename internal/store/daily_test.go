package store

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"atelierd/internal/order"
)

// The sums of days as they are kept, and as the orders and the books have them.
const (
	keptSums = `SELECT coalesce(group_concat(row, x'0a'), '') FROM (SELECT dimension || ' ' || day || ' ' || key || ' ' || orders || ' ' || gross || ' ' ||
		fee || ' ' || paid || ' ' || cost || ' ' || spent || ' ' || rated || ' ' || stars AS row FROM books_daily ORDER BY 1)`
	realSums = `SELECT coalesce(group_concat(row, x'0a'), '') FROM (SELECT dimension || ' ' || day || ' ' || key || ' ' || sum(orders) || ' ' || sum(gross) || ' ' ||
		sum(fee) || ' ' || sum(paid) || ' ' || sum(cost) || ' ' || sum(spent) || ' ' || sum(rated) || ' ' || sum(stars) AS row FROM (
			SELECT d.dimension, substr(c.completed_at, 1, 10) AS day, CASE d.dimension WHEN 'all' THEN '' WHEN 'service' THEN service ELSE client END AS key,
			       1 AS orders, gross, fee, CASE WHEN payout_tx <> '' OR payout_usd_micros IS NOT NULL THEN gross - fee ELSE 0 END AS paid, cost, 0 AS spent,
			       rating IS NOT NULL AS rated, coalesce(rating, 0) AS stars
			FROM completed_orders AS c, (SELECT 'all' AS dimension UNION SELECT 'service' UNION SELECT 'client') AS d
			UNION ALL
			SELECT 'generator', substr(o.completed_at, 1, 10), b.generator, 0, 0, 0, 0, b.cost_usd_micros, 0, 0, 0
			FROM books AS b JOIN orders AS o ON o.id = b.order_id WHERE o.completed_at IS NOT NULL AND o.state = 'completed'
			UNION ALL
			SELECT d.dimension, b.day, CASE d.dimension WHEN 'all' THEN '' WHEN 'service' THEN coalesce(o.service, '') WHEN 'client' THEN coalesce(o.client, '') ELSE b.generator END,
			       0, 0, 0, 0, 0, b.cost_usd_micros, 0, 0
			FROM books AS b LEFT JOIN orders AS o ON o.id = b.order_id, (SELECT 'all' AS dimension UNION SELECT 'service' UNION SELECT 'client' UNION SELECT 'generator') AS d)
		GROUP BY dimension, day, key HAVING sum(orders) <> 0 OR sum(cost) <> 0 OR sum(spent) <> 0 ORDER BY 1)`
)

// TestTheSumsOfDaysFollowEachChange guards that whatever changes what was earned or spent
// in a day has that day added up again, and no other.
func TestTheSumsOfDaysFollowEachChange(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	spend(t, s)
	db := outside(t, s.dir)
	changed := func() string {
		return scan[string](t, db, "SELECT coalesce(group_concat(day, ' '), '') FROM (SELECT day FROM books_changed ORDER BY 1)")
	}
	check := func(what string) {
		t.Helper()
		checkDays(t, db, what+", not added up")
		defer checkDays(t, db, what)
		if left, err := s.AddUpDays(t.Context(), "", "9999", time.Minute); err != nil || left {
			t.Fatalf("%s: left %v, %v", what, left, err)
		}
		got, want := scan[string](t, db, keptSums), scan[string](t, db, realSums)
		if got != want || got == "" {
			t.Errorf("%s: the sums are\n%s\nwant\n%s", what, got, want)
		}
		if c := changed(); c != "" {
			t.Errorf("%s: still to be added up: %s", what, c)
		}
	}
	check("at first")
	today := time.Now().UTC().Format(time.DateOnly)
	day := placed.Format(time.DateOnly)
	for _, each := range []struct{ what, statement string }{
		{"a rating", "UPDATE orders SET rating = 4 WHERE id = 'o1'"},
		{"a payout", "UPDATE orders SET payout_usd_micros = 4400000 WHERE id = 'o1'"},
		{"another service", "UPDATE orders SET service = 'Videos' WHERE id = 'o1'"},
		{"another client", "UPDATE orders SET client = '0xab' WHERE id = 'o1'"},
		{"another day", "UPDATE orders SET completed_at = '2026-10-01T00:00:00.000Z' WHERE id = 'o1'"},
		{"the end of a day", "UPDATE orders SET completed_at = '2026-10-01T23:59:59.999Z' WHERE id = 'o1'"},
		{"no completed order", "UPDATE orders SET completed_at = NULL, state = 'working' WHERE id = 'o1'"},
		{"a late cost", "UPDATE calls SET cost_usd_micros = cost_usd_micros + 1 WHERE job_id IN (SELECT id FROM jobs WHERE order_id = 'o1')"},
		{"a sample", "UPDATE calls SET cost_usd_micros = cost_usd_micros + 1 WHERE job_id IS NULL"},
	} {
		mustExec(t, db, each.statement)
		if changed() == "" {
			t.Errorf("%s has no day added up", each.what)
		}
		check(each.what)
	}
	mustExec(t, db, "UPDATE orders SET brief = 'other' WHERE id = 'o1'")
	if c := changed(); c != "" {
		t.Errorf("a brief has %s added up", c)
	}
	checkSumsBy(t, s, day, today)
}

// TestTheNewestDayIsAddedUpWhenTimeIsShort guards the figures of today on a slow machine.
func TestTheNewestDayIsAddedUpWhenTimeIsShort(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	mustExec(t, db, "INSERT INTO books_changed (day) VALUES ('2026-01-01'), ('2026-01-02')")
	left, err := s.AddUpDays(t.Context(), "", "9999", -time.Second)
	if c := scan[string](t, db, "SELECT coalesce(group_concat(day, ' '), '') FROM books_changed"); err != nil || !left || c != "2026-01-01" {
		t.Errorf("%q is left to be added up (%v), want the earlier day; %v", c, left, err)
	}
	if left, err := s.AddUpDays(t.Context(), "", "9999", -time.Second); err != nil || left {
		t.Errorf("the last day is left: %v, %v", left, err)
	}
}

// checkDays holds that v_earnings_daily has the completed orders, whether their days are added
// up or not.
func checkDays(t *testing.T, db *sql.DB, what string) {
	t.Helper()
	const text = `SELECT coalesce(group_concat(row, x'0a'), '') FROM (SELECT day || ' ' || orders || ' ' || gross_usd || ' ' || fee_usd || ' ' || net_usd || ' ' ||
		cost_usd || ' ' || profit_usd || ' ' || coalesce(rating, '-') AS row FROM `
	got := scan[string](t, db, text+"v_earnings_daily)")
	want := scan[string](t, db, text+`(SELECT substr(completed_at, 1, 10) AS day, count(*) AS orders, sum(gross) / 1e6 AS gross_usd, sum(fee) / 1e6 AS fee_usd,
		sum(gross - fee) / 1e6 AS net_usd, sum(cost) / 1e6 AS cost_usd, sum(gross - fee - cost) / 1e6 AS profit_usd, round(avg(rating), 2) AS rating
		FROM completed_orders GROUP BY 1 ORDER BY 1))`)
	if got != want {
		t.Errorf("%s: the days are\n%s\nwant\n%s", what, got, want)
	}
}

// checkSumsBy holds that each group of a table has the costs of all days.
func checkSumsBy(t *testing.T, s *Store, day, today string) {
	t.Helper()
	list, err := s.Days(t.Context(), "2026-01-01", today)
	if err != nil || len(list) == 0 {
		t.Fatalf("%v, %v; %s", list, err, day)
	}
	for _, by := range []Dimension{DailyServices, DailyClients, DailyGenerators} {
		var spent, all order.USD
		rows, err := s.SumsBy(t.Context(), by, "", "9999", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			spent += r.Spent
		}
		for _, r := range list {
			all += r.Spent
		}
		if spent != all {
			t.Errorf("by %s $%s were spent, by day $%s", by, spent, all)
		}
	}
}

// TestClientsWhoWait guards who counts as waiting for an answer, and the pages of the inbox.
func TestClientsWhoWait(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	at := func(minutes int) time.Time { return placed.Add(time.Duration(minutes) * time.Minute) }
	wrote := func(id string, list ...order.Message) {
		t.Helper()
		for i := range list {
			list[i].ID = fmt.Sprintf("%s-%d", id, i)
		}
		if _, err := s.ApplyThread(order.Thread{OrderID: id, Messages: list, Next: placed}); err != nil {
			t.Fatal(err)
		}
	}
	paid(t, s, "waits", "answered", "queued", "both", "window", "done", "silent")
	wrote("waits", order.Message{Party: order.PartyAgent, Text: "hello", At: at(1)}, order.Message{Party: order.PartyClient, Text: "bigger?", At: at(5)})
	wrote("answered", order.Message{Party: order.PartyClient, Text: "bigger?", At: at(2)}, order.Message{Party: order.PartyAgent, Text: "yes", At: at(3)})
	wrote("queued", order.Message{Party: order.PartyClient, Text: "when?", At: at(4)})
	wrote("both", order.Message{Party: order.PartyClient, Text: "one", At: at(6)}, order.Message{Party: order.PartyClient, Text: "two", At: at(6)})
	wrote("window", order.Message{Party: order.PartyClient, Text: "rivers", At: at(7)})
	wrote("done", order.Message{Party: order.PartyClient, Text: "thanks", At: at(8)})
	if err := (Owner{Store: s, By: "cli:jo"}).QueueMessage(t.Context(), "queued", "owner-1", "soon"); err != nil {
		t.Fatal(err)
	}
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE orders SET window_ends_at = '2027-01-01T00:00:00.000Z' WHERE id = 'window'")
	mustExec(t, db, "UPDATE orders SET state = 'completed', remote_status = 'completed' WHERE id = 'done'")
	waiting, err := s.WaitingClients(t.Context(), 10)
	if err != nil || len(waiting) != 2 || waiting[0].OrderID != "both" || waiting[1] != (Wrote{"waits", "bigger?", at(5)}) {
		t.Errorf("waiting are %v, %v", waiting, err)
	}
	if n, err := s.CountWaitingClients(t.Context()); err != nil || n != 2 {
		t.Errorf("%d are waiting, %v", n, err)
	}
	var got []string
	var after Wrote
	for {
		list, err := s.ClientsWrote(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, w := range list {
			got = append(got, w.OrderID+" "+w.Text)
		}
		after = list[len(list)-1]
	}
	if want := "[done thanks window rivers both two waits bigger? queued when? answered bigger?]"; fmt.Sprint(got) != want {
		t.Errorf("clients wrote\n%v, want\n%s", got, want)
	}
	mustExec(t, db, "UPDATE orders SET remote_status = 'disputed' WHERE id = 'waits'")
	mustExec(t, db, "UPDATE orders SET state = 'held', code = 'quote_needed' WHERE id = 'silent'")
	lines, err := s.OrdersToAnswer(t.Context())
	if err != nil || len(lines) != 2 {
		t.Errorf("to answer are %v, %v", lines, err)
	}
}
