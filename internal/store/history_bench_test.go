package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"atelierd/internal/engine"
	"atelierd/internal/order"
)

// million is the number of finished orders in the file.
const million = 1_000_000

// makeHistory fills the database of dir with finished orders, their jobs and
// their attempts, as years of work would have left them.
func makeHistory(b *testing.B, dir string) {
	b.Helper()
	openNew(b, Options{Dir: dir}).Close()
	db := outside(b, dir)
	defer db.Close()
	mustExec(b, db, "PRAGMA synchronous = OFF")
	mustExec(b, db, "PRAGMA cache_size = -200000")
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `
	const at = `strftime('%Y-%m-%dT%H:%M:%fZ', 1600000000 + i * 100, 'unixepoch')`
	mustExec(b, db, "BEGIN")
	mustExec(b, db, numbers+`INSERT INTO orders (id, service, brief, remote_status, state, price_usd_micros, created_at, due_at,
		seen_at, changed_at, delivered_at, completed_at, fingerprint, raw)
		SELECT printf('old_%08d', i), 'Images', 'a brief of about the length that clients write, with a wish or two, number ' || i, 'completed',
		'completed', 5000000, `+at+`, `+at+`, `+at+`, `+at+`, `+at+`, `+at+`, i, json_object('id', i) FROM n`, million)
	mustExec(b, db, `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, attempt, due_at, run_at, created_at,
		changed_at, finished_at)
		SELECT id, 'delivery', 0, 'deliver', 'network', 0, 'done', 1, due_at, seen_at, seen_at, changed_at, changed_at FROM orders`)
	mustExec(b, db, `INSERT INTO attempts (job_id, stage, attempt, started_at, finished_at, outcome)
		SELECT id, 'deliver', 1, created_at, finished_at, 'done' FROM jobs`)
	mustExec(b, db, "COMMIT")
	mustExec(b, db, "PRAGMA wal_checkpoint(TRUNCATE)")
}

// noop is a stage that does nothing, so that only the queue is measured.
type noop struct{ ran atomic.Int64 }

func (n *noop) Run(context.Context, order.Job) (order.Result, error) {
	n.ran.Add(1)
	return order.Result{}, nil
}

// BenchmarkBesideHistory measures what must not slow down over the years, in a
// file with a million finished orders.
func BenchmarkBesideHistory(b *testing.B) {
	dir := b.TempDir()
	makeHistory(b, dir)
	b.Run("ColdStart", func(b *testing.B) {
		for b.Loop() {
			s, err := Open(Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/start")
	})
	placed := 0
	for _, workers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("Drain/workers=%d", workers), func(b *testing.B) {
			const jobs = 10_000
			s := openNew(b, Options{Dir: dir})
			defer s.Close()
			for b.Loop() {
				b.StopTimer()
				var list []order.Facts
				for range jobs {
					placed++
					list = append(list, facts(fmt.Sprintf("new_%08d", placed), order.Paid))
				}
				apply(b, s, batch(list...))
				n := &noop{}
				e := engine.New(engine.Options{Store: s, Runner: n, Generators: workers, Network: 1})
				s.Notify(func(c Change) { e.Wake(c.Generate, c.Network, c.Revoked) })
				b.StartTimer()
				if err := e.RunUntilIdle(b.Context()); err != nil || n.ran.Load() != jobs {
					b.Fatalf("%d jobs ran, %v", n.ran.Load(), err)
				}
			}
			b.ReportMetric(float64(jobs)*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}
