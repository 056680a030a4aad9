package store

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/order"
)

// pastOrders fills a database with n orders that ended long ago, with attempts, events,
// messages and requests.
func pastOrders(b *testing.B, dir string, n int) {
	b.Helper()
	openNew(b, Options{Dir: dir}).Close()
	db := outside(b, dir)
	defer db.Close()
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `
	const at = `strftime('%Y-%m-%dT%H:%M:%fZ', 1600000000 + i * 100, 'unixepoch')`
	mustExec(b, db, "BEGIN")
	mustExec(b, db, numbers+`INSERT INTO orders (id, service, remote_status, state, price_usd_micros, payout_tx, created_at, due_at, seen_at, changed_at,
		completed_at, fingerprint, raw)
		SELECT printf('old_%08d', i), 'Images', 'completed', 'completed', 5000000, 'tx', `+at+`, `+at+`, `+at+`, `+at+`, `+at+`, i,
		json_object('id', hex(randomblob(1500))) FROM n`, n)
	mustExec(b, db, `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, created_at, changed_at)
		SELECT id, 'delivery', 0, 'deliver', 'network', 0, 'done', due_at, seen_at, seen_at, changed_at FROM orders`)
	mustExec(b, db, `INSERT INTO attempts (job_id, stage, attempt, started_at, outcome, log) SELECT j.id, 'deliver', v.value, j.created_at, 'done', hex(randomblob(1000))
		FROM jobs AS j, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]') AS v`)
	mustExec(b, db, `INSERT INTO calls (generator, key, state, cost_usd_micros, began_at, job_id, attempt_id)
		SELECT 'studio', 'key' || id, 'done', 10000, started_at, job_id, id FROM attempts`)
	mustExec(b, db, `INSERT INTO events (at, order_id, kind, text) SELECT o.created_at, o.id, 'status', 'paid to delivered'
		FROM orders AS o, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]') AS v`)
	mustExec(b, db, `INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at)
		SELECT o.id, v.value, 'client', 'client', hex(randomblob(300)), o.created_at, o.created_at FROM orders AS o, json_each('[1,2,3,4,5]') AS v`)
	mustExec(b, db, `INSERT INTO requests (at, kind) SELECT o.created_at, 'poll' FROM orders AS o, json_each('[1,2,3,4,5,6,7,8,9,10]') AS v`)
	mustExec(b, db, "COMMIT")
}

// holds measures how long transactions hold the writer, by the beginning of their names.
type holds struct {
	mu    sync.Mutex
	began time.Time
	took  map[string][]time.Duration
}

func (h *holds) hook(point string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	when, name, _ := strings.Cut(point, ":")
	if when == "before" {
		h.began = time.Now()
		return nil
	}
	kind, _, _ := strings.Cut(name, ".")
	h.took[kind] = append(h.took[kind], time.Since(h.began))
	return nil
}

// BenchmarkPruning removes the history of 2,000 orders while a lease is renewed all the
// time, and shows how long each holds the one connection that writes.
func BenchmarkPruning(b *testing.B) {
	for b.Loop() {
		dir, h := b.TempDir(), &holds{took: map[string][]time.Duration{}}
		pastOrders(b, dir, 2000)
		s := openNew(b, Options{Dir: dir, Hook: h.hook})
		paid(b, s, "o1")
		j := take(b, s, order.LaneGenerate)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					s.Renew([]order.Job{j}, lease)
				}
			}
		}()
		ids, err := s.EndedOrders(b.Context(), order.HistoryTexts, time.Now())
		if err != nil || len(ids) != 2000 {
			b.Fatalf("%d orders have ended, %v", len(ids), err)
		}
		for _, id := range ids {
			pruneAll(b, s, id, time.Now())
		}
		for n := 1; n > 0; {
			if n, err = s.RemoveRequests(time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		for more := true; more; {
			if more, err = s.ReleasePages(); err != nil {
				b.Fatal(err)
			}
		}
		close(stop)
		<-done
		for _, kind := range []string{"retention", "renew"} {
			list := h.took[kind]
			slices.Sort(list)
			b.ReportMetric(ms(list[len(list)/2]), kind+"-ms")
			b.ReportMetric(ms(list[len(list)*999/1000]), kind+"-99.9%-ms")
			b.ReportMetric(ms(list[len(list)-1]), kind+"-most-ms")
		}
		s.Close()
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
