package retention_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/disk"
	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// notify leaves messages to the owner, alerts, runs, requests and events of the daemon of a
// time: two of each that go, and one of most that stays.
func (y *year) notify(at time.Time) {
	y.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(y.dir, store.FileName)+"?_pragma=busy_timeout(10000)")
	y.must(err)
	defer db.Close()
	old := at.UTC().Format("2006-01-02T15:04:05.000Z")
	for n := range 3 {
		closed, sent := any(old), any(old)
		if n == 2 {
			closed, sent = nil, nil
		}
		for _, statement := range []string{
			"INSERT INTO alerts (what, subject, code, event, timed, state, reason, hint, opened_at, closed_at) VALUES ('daemon', ?, 'c', 'down', 1, 'held', 'r', '', '" + old + "', ?)",
			"INSERT INTO dispatches (target, title, text, urgent, created_at, due_at, sent_at) VALUES (?, 't', 'x', 0, '" + old + "', '" + old + "', ?)",
			"INSERT INTO runs (version, began_at, ended_at) VALUES (?, '" + old + "', ?)",
		} {
			value := sent
			if n == 2 {
				value = closed
			}
			_, err := db.ExecContext(y.Context(), statement, fmt.Sprint("s", n), value)
			y.must(err)
		}
		_, err = db.ExecContext(y.Context(), `INSERT INTO notices (target, kind, alert_id, urgent, line, more, created_at, due_at, dispatch_id)
			SELECT d.target, 'alert', a.id, 0, 'l', '', d.created_at, d.created_at, d.id FROM dispatches AS d JOIN alerts AS a ON a.subject = d.target WHERE d.target = ?`, fmt.Sprint("s", n))
		y.must(err)
		_, err = db.ExecContext(y.Context(), "INSERT INTO events (at, kind, text) VALUES (?, 'k', 't')", old)
		y.must(err)
		_, err = db.ExecContext(y.Context(), "INSERT INTO requests (at, kind) VALUES (?, 'poll')", old)
		y.must(err)
	}
}

// TestThePlanIsWhatIsRemovedNext compares the figures of a dry run with those of what
// follows it.
func TestThePlanIsWhatIsRemovedNext(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y, s := stored(t, dir)
		y.upload = nil
		y.apply(0, order.Completed, "tx")
		for n := 1; n < 4; n++ {
			y.apply(n, order.Paid, "")
			y.make(n)
		}
		y.apply(1, order.Completed, "tx")
		y.apply(2, order.Cancelled, "")
		y.notify(time.Now())
		for n, name := range []string{"atelierd-v1.db", "atelierd-v2.db", "atelierd-v3.db"} {
			path := filepath.Join(dir, name)
			y.must(os.WriteFile(path, make([]byte, 5000), 0o600))
			y.must(os.Chtimes(path, time.Now(), time.Now().Add(time.Duration(n)*time.Minute)))
		}
		time.Sleep(keepStored + time.Hour)
		y.apply(4, order.Paid, "")
		y.make(4) // the newest attempt and call stay
		o := y.options()
		o.MaxBytes, o.Storage, o.KeepStored = 0, s, keepStored
		p := retention.NewPruner(o)
		plan, err := p.Plan(t.Context())
		y.must(err)
		counts := map[order.Pruned]int{}
		for _, each := range plan {
			counts[each.What] = each.Count
			if each.Count == 0 && each.What != order.PrunedBeyond || each.Count > 0 && each.Bytes == 0 && each.What != order.PrunedStored {
				t.Errorf("the plan has %+v", each)
			}
		}
		y.must(p.Prune(t.Context()))
		planned := retention.Removed{
			Orders: p.Removed.Orders, Files: counts[order.PrunedFiles], Work: counts[order.PrunedWork],
			Attempts: counts[order.PrunedAttempts] + counts[order.PrunedCalls], Events: counts[order.PrunedEvents],
			Requests: counts[order.PrunedRequests], Notices: counts[order.PrunedNotices], Copies: counts[order.PrunedCopies], Stored: counts[order.PrunedStored],
		}
		if p.Removed != planned || planned.Notices < 8 || planned.Copies != 2 {
			t.Errorf("planned was\n%+v\nremoved was\n%+v", planned, p.Removed)
		}
	})
}

// TestThePlanHasTheLimitOfTheFolder guards that a dry run begins to remove what is beyond
// history.max_gb at the same size, and as much of it.
func TestThePlanHasTheLimitOfTheFolder(t *testing.T) {
	t.Parallel()
	for _, part := range []int64{90, 96, 99, 120} { // of a hundred that are allowed
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			y := ended(t)
			o := y.options()
			o.Keep = nil
			filled := filepath.Join(y.dir, "filled")
			y.must(os.WriteFile(filled, make([]byte, 6<<20), 0o600))
			o.MaxBytes = y.used() * 100 / part
			p := retention.NewPruner(o)
			plan, err := p.Plan(t.Context())
			y.must(err)
			var beyond int64
			for _, each := range plan {
				if each.What == order.PrunedBeyond {
					beyond = each.Bytes
				}
			}
			y.must(p.Shrink(t.Context()))
			if (beyond > 0) != (p.Removed.Orders > 0) || (beyond > 0) != (part > 97) {
				t.Errorf("planned were %d bytes, removed was %+v", beyond, p.Removed)
			}
		})
	}
}

// used returns the size of the data folder.
func (y *year) used() int64 {
	used, err := disk.Used(y.dir)
	y.must(err)
	return used
}
