//go:build unix

package console

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/store"
)

// The sizes of the ledgers that pages are measured with.
const (
	million   = 1_000_000
	someFiles = 10_000
	lateWork  = 300_000 // orders whose attempts, calls and events are kept: those of a year
)

// shape is how the orders of a ledger differ: SQL expressions of i, the number of an order
// from 1 on.
type shape struct {
	name                    string
	service, client, payout string
	orders                  int
	open                    int // of them, that have not ended
}

// The ledgers. The ordinary one has services that sell well and one that hardly does, clients
// who come often and many who do not, and waits for the payouts of its last days. In the other
// everything is of one kind: one service, one client, and no payout is known.
var (
	ordinary = shape{
		name: "ordinary", orders: million, open: 300,
		service: `CASE WHEN i % 5003 = 0 THEN 'Murals' WHEN i % 10 < 6 THEN 'Images' WHEN i % 10 < 8 THEN 'Logos' WHEN i % 10 = 8 THEN 'Videos' ELSE 'Posters' END`,
		client:  `CASE WHEN i % 5 = 0 THEN 'client_1' ELSE 'client_' || (i * 7919 % 5000) END`,
		payout:  `CASE WHEN i > 998000 OR i % 10007 = 0 THEN '' ELSE 'tx_' || i END`,
	}
	oneKind = shape{name: "of one kind", orders: million, open: 2000, service: `'Images'`, client: `'client_1'`, payout: `''`}
)

// late is the last order whose attempts, calls and events are gone.
func (s shape) late() int { return max(s.orders-lateWork, 0) }

// numbers has n rows with an i from 1 on.
const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `

// step is a statement that makes a part of a ledger.
type step struct {
	sql  string
	args []any
}

// makeYears fills the ledger of dir with work that ends now: three years of it, if it is a
// million orders.
func makeYears(tb testing.TB, dir string, s shape) {
	tb.Helper()
	dsn := url.URL{Scheme: "file", Opaque: filepath.Join(dir, store.FileName), RawQuery: "_pragma=synchronous(OFF)&_pragma=cache_size(-400000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	steps := append(yearsOfOrders(s), workOfYears(s)...)
	for _, step := range append(append(steps, others(s)...), busyOrder()...) {
		if _, err := db.ExecContext(context.Background(), step.sql, step.args...); err != nil {
			tb.Fatalf("%.90s: %v", step.sql, err)
		}
	}
}

// yearsOfOrders makes the orders, the last ones open, and their jobs.
func yearsOfOrders(s shape) []step {
	begin := time.Now().Unix() - int64(s.orders)*100
	return []step{
		{"BEGIN", nil},
		{numbers + `INSERT INTO orders (id, service, brief, remote_status, state, code, price_usd_micros, client, created_at, due_at,
			seen_at, changed_at, delivered_at, completed_at, payout_tx, fingerprint, raw, rating, round)
			SELECT printf('old_%08d', i), ` + s.service + `, 'a brief of about the length that clients write, with a wish or two, number ' || i,
			CASE WHEN open = 0 THEN CASE WHEN i % 50 = 0 THEN 'cancelled' ELSE 'completed' END WHEN i % 10 IN (6, 7) THEN 'delivered' ELSE 'paid' END,
			CASE WHEN open = 0 THEN CASE WHEN i % 50 = 0 THEN 'cancelled' ELSE 'completed' END
			     ELSE CASE i % 10 WHEN 0 THEN 'held' WHEN 1 THEN 'held' WHEN 2 THEN 'failed' WHEN 6 THEN 'delivered' WHEN 7 THEN 'delivered' ELSE 'working' END END,
			CASE WHEN open = 0 THEN '' WHEN i % 10 < 2 THEN 'review' WHEN i % 10 = 2 THEN 'refused' ELSE '' END, 5000000, ` + s.client + `, t, u, t, t, t,
			CASE WHEN open = 0 AND i % 50 <> 0 THEN u END, CASE WHEN open THEN '' ELSE ` + s.payout + ` END, i, '{}',
			CASE WHEN i % 3 = 0 AND open = 0 THEN 5 END, 0
			FROM (SELECT i, i > ? AS open, strftime('%Y-%m-%dT%H:%M:%fZ', ? + i * 100, 'unixepoch') AS t, strftime('%Y-%m-%dT%H:%M:%fZ', ? + i * 100, 'unixepoch') AS u
			FROM n)`, []any{s.orders, s.orders - s.open, begin, begin + 3600}},
		{`INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, attempt, due_at, run_at, created_at, changed_at, finished_at, code, reason)
			SELECT id, 'delivery', 0, CASE WHEN state IN ('completed', 'delivered') THEN 'deliver' ELSE 'generate' END, 'generate', 0,
			CASE state WHEN 'held' THEN 'held' WHEN 'failed' THEN 'failed' WHEN 'working' THEN 'ready' WHEN 'cancelled' THEN 'cancelled' ELSE 'done' END,
			1, due_at, seen_at, seen_at, changed_at, CASE WHEN completed_at IS NOT NULL THEN changed_at END, code, CASE WHEN code <> '' THEN 'look at it' ELSE '' END
			FROM orders ORDER BY rowid`, nil},
	}
}

// workOfYears makes what was spent on the orders, and the attempts, calls and events that are
// still kept.
func workOfYears(s shape) []step {
	const generator = `CASE o.service WHEN 'Videos' THEN 'veo' WHEN 'Logos' THEN 'ideo' WHEN 'Murals' THEN 'studio' ELSE 'flux' END`
	late := []any{s.late()}
	return []step{
		{`INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
			SELECT substr(seen_at, 1, 10), id, 'delivery', ` + generator + `, 40000, 0, 1 FROM orders AS o WHERE fingerprint <= ?`, late},
		{`INSERT INTO attempts (job_id, stage, attempt, started_at, finished_at, outcome, code, error, cost_usd_micros)
			SELECT j.id, 'generate', 1, j.created_at, j.created_at, CASE WHEN j.id % 20 = 0 THEN 'retry' ELSE 'done' END, CASE WHEN j.id % 20 = 0 THEN 'unreachable' ELSE '' END,
			'', 40000 FROM jobs AS j WHERE j.id > ?`, late},
		{`INSERT INTO calls (job_id, attempt_id, generator, key, ticket, state, cost_usd_micros, began_at, closed_at)
			SELECT j.id, a.id, ` + generator + `, 'key_' || j.id, 'ticket_' || j.id, CASE WHEN j.id % 20 = 0 THEN 'failed' ELSE 'done' END, 40000, j.created_at,
			strftime('%Y-%m-%dT%H:%M:%fZ', j.created_at, (j.id % 60) || ' seconds')
			FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id JOIN orders AS o ON o.id = j.order_id WHERE j.id > ?`, late},
		{`INSERT INTO events (at, order_id, kind, text) SELECT changed_at, order_id, 'status', 'paid to ' || state FROM jobs WHERE id > ?`, late},
		{`INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at)
			SELECT id, 'm', 'client', '', 'is it ready?', seen_at, seen_at FROM orders WHERE fingerprint > ? AND fingerprint % 3 = 0`, late},
		{`INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at)
			SELECT id, 'n', 'agent', '', 'it is', completed_at, completed_at FROM orders WHERE fingerprint > ? AND fingerprint % 3 = 0 AND completed_at IS NOT NULL`, late},
	}
}

// others makes files, deliveries, payouts that failed, requests, services and bounties.
func others(s shape) []step {
	return []step{
		{numbers + `INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, created_at)
			SELECT printf('old_%08d', ? + 1 - i), 'delivery', 0, 1, 1, 'files/' || i, 'a.png', 1000, printf('%064d', i), 'image/png', 'image', 1024, 1024,
			strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-i * 100) || ' seconds') FROM n`, []any{min(someFiles, s.orders), s.orders}},
		{`INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at) SELECT id, 0, 'confirmed', '[]', 1, seen_at, seen_at FROM orders
			WHERE fingerprint > ? AND state IN ('completed', 'delivered')`, []any{max(s.orders-100_000, 0)}},
		{`INSERT INTO events (at, order_id, kind, text) SELECT completed_at, id, 'payout failed', 'the bank said no' FROM orders
			WHERE completed_at IS NOT NULL AND payout_tx = '' AND fingerprint % 10007 = 0 ORDER BY fingerprint DESC LIMIT 30`, nil},
		{numbers + `INSERT INTO requests (at, kind, answered_at, status) SELECT t, 'poll', t, 200 FROM (
			SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-i * 120) || ' seconds') AS t FROM n)`, []any{10_000}},
		{`INSERT INTO services (title, remote_id, state, changed_at) SELECT DISTINCT service, 'svc_' || service, 'listed', created_at FROM orders
			WHERE fingerprint > ? GROUP BY service`, []any{max(s.orders-20_000, 0)}},
		{numbers + `INSERT INTO bounties (id, title, brief, category, budget_usd_micros, deadline_hours, service, message, state, claimed_at, changed_at)
			SELECT 'bounty_' || i, 'A task ' || i, 'somebody wants a picture', 'art', 9000000, 24, 'Images', 'we can', CASE WHEN i % 9 = 0 THEN 'accepted' ELSE 'lost' END, t, t
			FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-i) || ' hours') AS t FROM n)`, []any{5000}},
		{`UPDATE jobs SET lane = 'network', stage = 'deliver' WHERE state = 'ready' AND id % 4 = 0 AND id > ?`, []any{s.orders - s.open}},
	}
}

// busyID is an order that was sent back twice, with many takes, files, calls and messages.
const busyID = "busy_00000001"

// busyOrder makes it, and commits everything.
func busyOrder() []step {
	at := `strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 hours')`
	return []step{
		{`INSERT INTO orders (id, service, brief, remote_status, state, code, price_usd_micros, client, created_at, due_at, seen_at, changed_at, fingerprint, raw, round, max_revisions, revision_count)
			SELECT ?, 'Images', printf('%.*c', 3000, 'x'), 'revision_requested', 'held', 'review', 25000000, 'client_7', t, t, t, t, 0, '{}', 2, 3, 2 FROM (SELECT ` + at + ` AS t)`, []any{busyID}},
		{numbers + `INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, created_at, changed_at, code)
			SELECT ?, 'delivery', i - 1, CASE i WHEN 3 THEN 'upload' ELSE 'deliver' END, 'network', 0, CASE i WHEN 3 THEN 'held' ELSE 'done' END, t, t, t, t,
			CASE i WHEN 3 THEN 'review' ELSE '' END FROM n, (SELECT ` + at + ` AS t)`, []any{3, busyID}},
		{numbers + `INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, url, created_at, uploaded_at)
			SELECT ?, 'delivery', i % 3, 1 + i / 3 % 3, 1 + i / 9, 'files/busy' || i, 'piece-' || i || '.png', 900000, printf('%064x', i), 'image/png', 'image', 2048, 1024,
			'https://files.test/' || i, ` + at + `, ` + at + ` FROM n`, []any{72, busyID}},
		{numbers + `INSERT INTO takes (order_id, kind, round, take, instructions, created_at) SELECT ?, 'delivery', i % 3, 2 + i / 3, 'less blue, more green', ` + at + ` FROM n WHERE i < 6`, []any{5, busyID}},
		{numbers + `INSERT INTO attempts (job_id, stage, attempt, started_at, finished_at, outcome, code, error, log, cost_usd_micros)
			SELECT j.id, 'generate', i, j.created_at, j.created_at, CASE i % 4 WHEN 0 THEN 'done' ELSE 'retry' END, '', 'it did not answer', printf('%.*c', 4000, 'l'), 40000
			FROM n, jobs AS j WHERE j.order_id = ?`, []any{16, busyID}},
		{`INSERT INTO calls (job_id, attempt_id, generator, key, ticket, state, cost_usd_micros, began_at, closed_at)
			SELECT j.id, a.id, 'flux', 'busy_' || a.id, 'ticket', 'done', 40000, a.started_at, a.started_at FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id WHERE j.order_id = ?`, []any{busyID}},
		{numbers + `INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at)
			SELECT ?, 'm' || i, CASE i % 2 WHEN 0 THEN 'client' ELSE 'agent' END, '', 'a message of the usual length, which is a sentence or two, and number ' || i,
			strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (i - 120) || ' minutes'), ` + at + ` FROM n`, []any{60, busyID}},
		{numbers + `INSERT INTO events (at, order_id, kind, text) SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (i - 400) || ' minutes'), ?, 'note', 'something happened, number ' || i FROM n`, []any{200, busyID}},
		{`INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at) SELECT ?, round, 'confirmed', '["https://files.test/1"]', 1, created_at, created_at
			FROM jobs WHERE order_id = ? AND state = 'done'`, []any{busyID, busyID}},
		{"COMMIT", nil},
		{"PRAGMA wal_checkpoint(TRUNCATE)", nil},
	}
}
