package console

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/view"
)

// The sizes of the ledger that pages are measured with.
const (
	million   = 1_000_000
	someFiles = 10_000
	someOpen  = 300
)

// makeYears fills the ledger of dir with years of work that ended now: a million orders,
// ten thousand files, and a few hundred orders that are open.
func makeYears(b *testing.B, dir string) {
	b.Helper()
	dsn := url.URL{Scheme: "file", Opaque: filepath.Join(dir, store.FileName), RawQuery: "_pragma=synchronous(OFF)&_pragma=cache_size(-200000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	begin := time.Now().Unix() - million*100
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"BEGIN", nil},
		{numbers + `INSERT INTO orders (id, service, brief, remote_status, state, code, price_usd_micros, client, created_at, due_at,
			seen_at, changed_at, delivered_at, completed_at, payout_tx, fingerprint, raw)
			SELECT printf('old_%08d', i), 'Images', 'a brief of about the length that clients write, with a wish or two, number ' || i,
			CASE WHEN open THEN 'paid' ELSE 'completed' END, CASE WHEN NOT open THEN 'completed' WHEN i % 3 = 0 THEN 'held' ELSE 'working' END,
			CASE WHEN open AND i % 3 = 0 THEN 'review' ELSE '' END, 5000000, 'client_' || (i % 1000), t, t, t, t, t, CASE WHEN NOT open THEN t END, CASE WHEN open THEN '' ELSE 'tx' END, i, '{}'
			FROM (SELECT i, i > ? AS open, strftime('%Y-%m-%dT%H:%M:%fZ', ? + i * 100, 'unixepoch') AS t FROM n)`, []any{million, million - someOpen, begin}},
		{`INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, attempt, due_at, run_at, created_at, changed_at, finished_at)
			SELECT id, 'delivery', 0, 'generate', 'generate', 0, CASE state WHEN 'completed' THEN 'done' WHEN 'held' THEN 'held' ELSE 'ready' END, 1, due_at, seen_at,
			seen_at, changed_at, CASE state WHEN 'completed' THEN changed_at END FROM orders`, nil},
		{numbers + `INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, created_at)
			SELECT printf('old_%08d', ? + 1 - i), 'delivery', 0, 1, 1, 'files/' || i, 'a.png', 1000, printf('%064d', i), 'image/png', 'image', 1024, 1024,
			'2026-11-01T00:00:00.000Z' FROM n`, []any{someFiles, million}},
		{`INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at) SELECT id, 0, 'confirmed', '[]', 1, completed_at, completed_at FROM orders
			WHERE completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT 5000`, nil},
		{`INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at) SELECT id, 'm', 'client', '', 'is it ready?', seen_at, seen_at
			FROM orders WHERE state = 'working' LIMIT 20`, nil},
		{"COMMIT", nil},
		{"PRAGMA wal_checkpoint(TRUNCATE)", nil},
	} {
		if _, err := db.ExecContext(b.Context(), step.sql, step.args...); err != nil {
			b.Fatalf("%.60s: %v", step.sql, err)
		}
	}
}

// BenchmarkPages reads pages next to a million orders, as an owner does who is logged in.
func BenchmarkPages(b *testing.B) {
	dir := storetest.Dir(b)
	makeYears(b, dir)
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	users, err := access.Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer users.Close()
	actions, err := owner.Open(owner.Options{
		Dir: dir, By: "console", Services: func() []string { return []string{"Images"} },
		Decide: func(context.Context, *store.Store) (owner.Decide, error) { return decide, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer actions.Close()
	cfg := &config.Config{
		DataDir: dir, Budget: config.Budget{Window: time.Hour, Poll: 30, Upload: 30, Deliver: 30}, Work: config.Work{MaxAttempts: 3, Generators: 2},
		Services: []config.Service{{Title: "Images", Generator: "flux"}},
	}
	var version atomic.Uint64 // grows with each page, so that none is from the cache
	pages := New(Options{
		Access: users, Agent: func() string { return "Night Garden" }, Zone: func() *time.Location { return time.UTC },
		Name: "test", Log: slog.New(slog.DiscardHandler), Owner: actions, Wake: func() {},
		View:    view.Reader{Config: func() *config.Config { return cfg }, Store: st},
		Version: func() (uint64, error) { return version.Load(), nil },
	})
	secret, err := users.NewLink(b.Context(), "jo")
	if err != nil {
		b.Fatal(err)
	}
	session, err := users.UseLink(b.Context(), secret)
	if err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{
		"now": "/", "orders": "/orders", "all": "/orders?show=all", "all from the middle": "/orders?show=all&older=" + fmt.Sprintf("old_%08d", million/2),
		"need you": "/orders?show=needs", "in work": "/orders?show=work", "done": "/orders?show=done", "in every text": "/orders?show=all&q=clients+write",
		"in one text": "/orders?show=all&q=number+987654", "in no text": "/orders?show=all&q=zebra", "end of an id": "/orders?show=all&q=987654",
		"of a service": "/orders?show=all&service=Images", "of no service": "/orders?show=all&service=None", "of a generator": "/orders?show=all&generator=flux",
		"since a week": "/orders?show=all&time=7", "of a client": "/orders?show=all&client=client_7",
	} {
		b.Run(name, func(b *testing.B) {
			benchPage(b, path, session, func(w http.ResponseWriter, r *http.Request) {
				version.Add(1)
				pages.ServeHTTP(w, r)
			})
		})
	}
}

func benchPage(b *testing.B, path, session string, serve http.HandlerFunc) {
	b.Helper()
	var took []time.Duration
	size := 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
		r.AddCookie(&http.Cookie{Name: "atelierd-test", Value: session})
		w := httptest.NewRecorder()
		began := time.Now()
		serve(w, r)
		took = append(took, time.Since(began))
		if size = w.Body.Len(); w.Code != http.StatusOK {
			b.Fatalf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(size)/1000, "KB")
}
