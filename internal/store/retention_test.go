package store

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

// later is a time by which everything that can end has ended.
func later() time.Time { return time.Now().AddDate(2, 0, 0) }

// completed ends an order, with a payout or without one.
func completed(t *testing.T, s *Store, id, payout string, at time.Time) {
	t.Helper()
	price := order.USD(5_000_000)
	f := facts(id, order.Completed)
	f.Price, f.CompletedAt, f.PayoutTx = &price, at, payout
	apply(t, s, batch(f))
}

// pruneAll removes all that there is of an order.
func pruneAll(t testing.TB, s *Store, id string, before time.Time) {
	t.Helper()
	if err := s.MarkFiles(id, before); err != nil {
		t.Fatal(err)
	}
	for _, remove := range []func(string, time.Time) (int, bool, error){s.RemoveAttempts, s.RemoveTexts} {
		for more := true; more; {
			var err error
			if _, more, err = remove(id, before); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func count(t *testing.T, s *Store, sql string) (n int) {
	t.Helper()
	if err := s.reads.QueryRow(sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// deliver has the files of an order made and delivered.
func deliver(t *testing.T, s *Store, id string) {
	t.Helper()
	j := toDeliver(t, s, id)
	finish(t, s, order.Done{Job: j, Result: order.Result{}})
}

func TestNoFigureAboutMoneyChangesByPruning(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	spend(t, s)
	completed(t, s, "o1", "tx1", placed)
	if err := s.CloseCall(openCall(t, s), order.CallDone, 10_000, ""); err != nil {
		t.Fatal(err)
	}
	apply(t, s, batch(facts("o2", order.Cancelled)))
	paid(t, s, "o3")
	completed(t, s, "o3", "", placed)
	change(t, s, `UPDATE jobs SET state = 'done' WHERE order_id = 'o3';
		INSERT INTO events (at, order_id, kind, text) SELECT at, 'o3', 'payout asked', '' FROM events LIMIT 1;
		INSERT INTO events (at, order_id, kind, text) SELECT at, 'o3', 'payout refused', 'no wallet' FROM events LIMIT 1;
		INSERT INTO events (at, kind, text) SELECT at, 'later', '' FROM events LIMIT 1`)
	before := money(t, s)
	attempts, calls := count(t, s, "SELECT count(*) FROM attempts"), count(t, s, "SELECT count(*) FROM calls WHERE job_id IS NOT NULL")
	pruneAll(t, s, "o1", later())
	pruneAll(t, s, "o2", later())
	pruneAll(t, s, "o3", later())
	left, leftCalls := count(t, s, "SELECT count(*) FROM attempts"), count(t, s, "SELECT count(*) FROM calls WHERE job_id IS NOT NULL")
	if attempts < 7 || calls < 5 || left != 1 || leftCalls != 0 {
		t.Errorf("of %d attempts and %d calls %d and %d are left; want the newest attempt alone", attempts, calls, left, leftCalls)
	}
	if after := money(t, s); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	h, err := s.History(t.Context(), "o1")
	if err != nil || h.Cost == 0 || len(h.Attempts) > 1 {
		t.Errorf("order o1 has cost %s in %d attempts, %v", h.Cost, len(h.Attempts), err)
	}
}

// openCall returns the call that is open.
func openCall(t *testing.T, s *Store) (id int64) {
	t.Helper()
	return int64(count(t, s, "SELECT id FROM calls WHERE state = 'calling'"))
}

// TestACallOfAnEndedOrderIsGivenUp guards the history of an order that ended while a provider
// worked on it that cannot cancel: nothing asks for the outcome, and it must not be kept for ever.
func TestACallOfAnEndedOrderIsGivenUp(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	begin := func(id string) {
		paid(t, s, id)
		if _, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio", Price: 10_000}); err != nil {
			t.Fatal(err)
		}
	}
	begin("ended")
	apply(t, s, batch(facts("ended", order.Cancelled)))
	begin("open")
	spent := money(t, s)
	for _, c := range []struct {
		before time.Time
		want   int
	}{{time.Now().Add(-time.Minute), 0}, {time.Now().Add(time.Minute), 1}, {time.Now().Add(time.Minute), 0}} {
		if n, err := s.GiveUpForgottenCalls(t.Context(), c.before); err != nil || n != c.want {
			t.Errorf("%d calls from before %s were given up, %v; want %d", n, c.before, err, c.want)
		}
	}
	if ended, _, err := s.Ended(t.Context(), "ended", later()); err != nil || !ended {
		t.Errorf("the order has not ended: %v", err)
	}
	if n := count(t, s, "SELECT count(*) FROM calls WHERE state = 'calling'"); n != 1 {
		t.Errorf("%d calls are open, want that of the open order", n)
	}
	if after := money(t, s); after != spent {
		t.Errorf("before:\n%s\nafter:\n%s", spent, after)
	}
}

// TestOnlyWhatHasEndedIsPruned has an order in each state that must stay, and in each that
// may go.
func TestOnlyWhatHasEndedIsPruned(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name string
		make func(t *testing.T, s *Store)
		gone bool
	}{
		{"open", func(*testing.T, *Store) {}, false},
		{"delivered", func(t *testing.T, s *Store) { apply(t, s, batch(facts("o1", order.Delivered))) }, false},
		{"paid out", func(t *testing.T, s *Store) { completed(t, s, "o1", "tx1", now.Add(-time.Hour)) }, true},
		{"cancelled", func(t *testing.T, s *Store) { apply(t, s, batch(facts("o1", order.Cancelled))) }, true},
		{"completed 89 days ago without a payout", func(t *testing.T, s *Store) { completed(t, s, "o1", "", now.AddDate(0, 0, -89)) }, false},
		{"completed 91 days ago without a payout", func(t *testing.T, s *Store) { completed(t, s, "o1", "", now.AddDate(0, 0, -91)) }, true},
		{"disputed", func(t *testing.T, s *Store) {
			completed(t, s, "o1", "tx1", now.Add(-time.Hour))
			change(t, s, "UPDATE orders SET remote_status = 'disputed'")
		}, false},
		{"with work", func(t *testing.T, s *Store) {
			completed(t, s, "o1", "tx1", now.Add(-time.Hour))
			change(t, s, "UPDATE jobs SET state = 'held'")
		}, false},
		{"with an open call", func(t *testing.T, s *Store) {
			paid(t, s, "o1")
			if _, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio", Price: 10_000}); err != nil {
				t.Fatal(err)
			}
			completed(t, s, "o1", "tx1", now.Add(-time.Hour))
		}, false},
		{"to be compared with the marketplace", func(t *testing.T, s *Store) {
			completed(t, s, "o1", "tx1", now.Add(-time.Hour))
			change(t, s, "UPDATE orders SET restored_at = changed_at")
		}, false},
		{"ended at a time that cannot be read", func(t *testing.T, s *Store) {
			completed(t, s, "o1", "tx1", now.Add(-time.Hour))
			change(t, s, "UPDATE orders SET completed_at = '1 o''clock'")
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			paid(t, s, "o1")
			test.make(t, s)
			until := time.Now().Add(time.Minute)
			for _, part := range []order.HistoryPart{order.HistoryFiles, order.HistoryAttempts, order.HistoryTexts} {
				ids, err := s.EndedOrders(t.Context(), part, until)
				if err != nil || slices.Contains(ids, "o1") != test.gone {
					t.Errorf("the orders whose %s are removed are %q, %v", part, ids, err)
				}
			}
			pruneAll(t, s, "o1", until)
			o := getOrder(t, s, "o1")
			if (o.Removed != order.Removed{}) != test.gone || (string(o.Raw) == "null") != test.gone {
				t.Errorf("removed is %v, raw is %s", o.Removed, o.Raw)
			}
		})
	}
}

// change changes the database behind the back of the store.
func change(t *testing.T, s *Store, sql string) {
	t.Helper()
	if _, err := outside(t, s.dir).Exec(sql); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsMarkedBeforeItIsRemoved(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	deliver(t, s, "o1")
	completed(t, s, "o1", "tx1", placed)
	if err := s.MarkFiles("o1", later()); err != nil {
		t.Fatal(err)
	}
	marked, err := s.MarkedFiles(t.Context(), 0)
	if err != nil || len(marked) != 1 || marked[0].Path != "artifacts/a.png" {
		t.Fatalf("to be removed are %v, %v", marked, err)
	}
	h, err := s.History(t.Context(), "o1")
	if err != nil || h.Artifacts[0].Removed.IsZero() || h.Order.Removed.Files.IsZero() {
		t.Errorf("the file is shown as kept: %+v, %v", h.Artifacts, err)
	}
	if err := s.FilesRemoved(marked); err != nil {
		t.Fatal(err)
	}
	if again, err := s.MarkedFiles(t.Context(), 0); err != nil || len(again) != 0 {
		t.Errorf("still to be removed are %v, %v", again, err)
	}
	owner, err := OpenOwner(s.dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	for _, each := range []struct {
		name, want string
		err        error
	}{
		{"retry", "its files were removed on 20", owner.Retry(t.Context(), "o1")},
		{"redo", "its files were removed on 20", owner.Redo(t.Context(), "o1", order.Redo{}, func(order.Kind, int) error { return nil })},
		{"approve", "order o1 is completed", owner.Approve(t.Context(), "o1", 0)},
		{"resubmit", "order o1 is completed", owner.Resubmit(t.Context(), "o1", func(int) error { return nil })},
	} {
		if each.err == nil || !strings.Contains(each.err.Error(), each.want) {
			t.Errorf("%s: %v", each.name, each.err)
		}
	}
}

// TestAnOrderThatGoesOnAfterItsEndCountsItsCallsOn guards that a key is not used twice, and
// that what is made after the end is removed after the next one.
func TestAnOrderThatGoesOnAfterItsEndCountsItsCallsOn(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	keys := map[string]bool{}
	call := func() {
		c, err := s.BeginCall(take(t, s, order.LaneGenerate), order.NewCall{Generator: "studio", Price: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if keys[c.Key] {
			t.Errorf("the key %s is used again", c.Key)
		}
		keys[c.Key] = true
		if err := s.CloseCall(c.ID, order.CallDone, 10_000, ""); err != nil {
			t.Fatal(err)
		}
	}
	paid(t, s, "o1")
	call()
	apply(t, s, batch(facts("o1", order.Cancelled)))
	paid(t, s, "o2") // its attempt and call are the newest
	call()
	pruneAll(t, s, "o1", later())
	if n := count(t, s, "SELECT count(*) FROM calls AS c JOIN jobs AS j ON j.id = c.job_id WHERE j.order_id = 'o1'"); n != 0 {
		t.Fatalf("%d calls are left", n)
	}
	change(t, s, "UPDATE jobs SET state = 'ready', stage = 'generate', lane = 'generate' WHERE order_id = 'o1'")
	change(t, s, "UPDATE orders SET state = 'working' WHERE id = 'o1'")
	if o := getOrder(t, s, "o1"); o.Removed != (order.Removed{}) {
		t.Errorf("an order that goes on has lost %v", o.Removed)
	}
	call()
}

func TestTheNewestRowsStayForTheirNumbers(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	take(t, s, order.LaneGenerate)
	apply(t, s, batch(facts("o1", order.Cancelled)))
	newest := "SELECT (SELECT max(id) FROM events) * 1000000 + (SELECT max(id) FROM attempts)"
	before := count(t, s, newest)
	pruneAll(t, s, "o1", later())
	if after := count(t, s, newest); after != before {
		t.Errorf("the newest numbers were %d and are %d", before, after)
	}
}

func TestWhatIsFreeIsReturnedToTheSystem(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	s := openNew(t, Options{Dir: dir})
	pages := "SELECT page_count FROM pragma_page_count"
	fill := func() {
		change(t, s, "CREATE TABLE big (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO big SELECT randomblob(3000) FROM n; DROP TABLE big")
	}
	fill()
	before := count(t, s, pages)
	for more := true; more; {
		var err error
		if more, err = s.ReleasePages(); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(t, s, pages); before < 2000 || after > before-1000 {
		t.Errorf("of %d pages %d are left", before, after)
	}
	if _, _, err := Vacuum(dir); err == nil {
		t.Error("the database is written again while a daemon holds it")
	}
	s.Close()
	// A file from before incremental vacuum.
	db := outside(t, dir)
	if _, err := db.Exec("PRAGMA auto_vacuum = 0; VACUUM"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	old, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	was, is, err := Vacuum(dir)
	if err != nil || was != old.Size() || is > was+64<<10 {
		t.Errorf("the file had %d bytes and has %d, %v", was, is, err)
	}
	s = openNew(t, Options{Dir: dir})
	if mode := count(t, s, "SELECT auto_vacuum FROM pragma_auto_vacuum"); mode != incrementalVacuum {
		t.Errorf("the mode of vacuum is %d", mode)
	}
}
