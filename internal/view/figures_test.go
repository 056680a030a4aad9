package view

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// ledger is a database with rows.
func ledger(t *testing.T, rows ...string) (dir string) {
	t.Helper()
	dir = storetest.Dir(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, store.FileName)+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, row := range rows {
		if _, err := db.Exec(row); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
	}
	return dir
}

func reader(t *testing.T, dir string, open func() (*store.Store, error), cfg config.Config) Reader {
	t.Helper()
	st, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	cfg.DataDir = dir
	return Reader{Config: func() *config.Config { return &cfg }, Store: st, Now: func() time.Time { return noon }}
}

// orderRow is the row of an order.
func orderRow(id, state, code, due string) string {
	return fmt.Sprintf(`INSERT INTO orders (id, service, remote_status, state, code, price_usd_micros, client_type, created_at, due_at, seen_at, changed_at,
		completed_at, fingerprint, raw) VALUES ('%s', 'Pictures', 'paid', '%s', '%s', 5000000, '', '2026-11-19T00:00:00.000Z', '%s', '2026-11-19T00:00:00.000Z',
		'2026-11-19T00:00:00.000Z', iif('%[2]s' = 'completed', '2026-11-19T09:00:00.000Z', NULL), 1, '{}')`, id, state, code, due)
}

const later = "2026-11-21T00:00:00.000Z"

func TestTheDaysAreTheSameForAReaderOfTheDatabase(t *testing.T) {
	t.Parallel()
	dir := ledger(t, orderRow("o1", "completed", "", later), orderRow("o2", "completed", "", later),
		"INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts) VALUES ('2026-11-18', 'o1', 'delivery', 'studio', 30000, 0, 0)")
	for name, open := range map[string]func() (*store.Store, error){
		"reader": func() (*store.Store, error) { return store.OpenReader(dir) },
		"writer": func() (*store.Store, error) { return store.Open(store.Options{Dir: dir}) },
	} {
		v, err := reader(t, dir, open, config.Config{Spending: config.Spending{Day: 5_000_000}}).Days(t.Context(), 30)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Days) != 30 || v.Orders != 2 || v.Earned != 9_000_000 || v.Spent != 30_000 || v.Cap != 5_000_000 {
			t.Errorf("%s: %d days, %+v", name, len(v.Days), v)
		}
		if d := v.Days[28]; d.Earned != 9_000_000 || v.Days[27].Spent != 30_000 || d.Date != time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%s: the days are %+v", name, v.Days[27:])
		}
	}
}

func TestAGeneratorShowsHowItsCallsEnded(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range 40 {
		state := "done"
		if i%10 == 9 {
			state = "failed"
		}
		rows = append(rows, fmt.Sprintf(`INSERT INTO calls (job_id, sample, generator, state, cost_usd_micros, key, began_at, closed_at)
			VALUES (NULL, '{}', 'studio', '%s', 40000, 'k%d', '2026-11-19T10:00:00.000Z', '2026-11-19T10:00:%02d.000Z')`, state, i, i))
	}
	rows = append(rows, `INSERT INTO calls (job_id, sample, generator, state, cost_usd_micros, key, began_at, closed_at)
		VALUES (NULL, '{}', 'studio', 'failed', 40000, 'old', '2026-09-19T10:00:00.000Z', '2026-09-19T10:00:01.000Z')`,
		"INSERT INTO facts (name, value, changed_at) VALUES ('alert.generator.studio', 'no credit', '2026-11-20T10:00:00.000Z')")
	dir := ledger(t, rows...)
	cfg := config.Config{
		Generators: map[string]config.Generator{"studio": {Type: "fal", Cost: 40_000}, "painter": {Type: config.TypeCanvas}},
		Services:   []config.Service{{Title: "Pictures", Generator: "studio"}},
	}
	list, err := reader(t, dir, func() (*store.Store, error) { return store.OpenReader(dir) }, cfg).Generators(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	painter, studio := list[0], list[1]
	if share, ok := studio.Success(); !ok || share != 90 || studio.Done != 36 || studio.Failed != 4 {
		t.Errorf("of its calls %d, %d and %d ended so: %d%%, %v", studio.Done, studio.Failed, studio.Refused, share, ok)
	}
	if studio.P50 != 20*time.Second || studio.P95 != 37*time.Second || studio.Spent != 1_600_000 {
		t.Errorf("half took %s, 95%% %s, and it has cost %s", studio.P50, studio.P95, studio.Spent)
	}
	if studio.PausedFor != "no credit" || studio.PausedSince.IsZero() || !slices.Equal(studio.Services, []string{"Pictures"}) {
		t.Errorf("it is %+v", studio)
	}
	if _, ok := painter.Success(); ok || !painter.Free() || !painter.PausedSince.IsZero() {
		t.Errorf("the painter is %+v", painter)
	}
}

func TestAServiceShowsWhatClientsReadAndWhatIsConfigured(t *testing.T) {
	t.Parallel()
	dir := ledger(t, orderRow("o1", "completed", "", later), `INSERT INTO services (title, remote_id, state, reason, differs, changed_at)
		VALUES ('Pictures', 'svc_1', 'listed', 'price_usd is "5" at the marketplace', '[{"Field":"price_usd","Old":"5","New":"6","Fixed":false}]', '2026-11-19T10:00:00.000Z')`)
	cfg := config.Config{Services: []config.Service{{Title: "Pictures", Generator: "studio", Price: 6_000_000, Mode: config.ModeReview}}}
	list, err := reader(t, dir, func() (*store.Store, error) { return store.OpenReader(dir) }, cfg).Services(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if s := list[0]; s.State != ServiceDiffers || !slices.Equal(s.Changes, []Difference{{Field: "price_usd", Old: "5", New: "6"}}) || s.Orders != 1 || s.PriceUSD != "6.00" {
		t.Errorf("it is %+v", s)
	}
}

func TestWithoutADaemonAllIsNotWell(t *testing.T) {
	t.Parallel()
	dir := ledger(t, orderRow("soon", "held", "review", later))
	r := reader(t, dir, func() (*store.Store, error) { return store.OpenReader(dir) }, config.Config{})
	s, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := func(r Reason) bool { return r.ID == "soon" && r.Code == order.CodeReview }
	if c := r.Check(s, 0); c.State != Down || c.Reasons[0].Code != codeNotRunning || !slices.ContainsFunc(c.Reasons, held) {
		t.Errorf("it is %+v", c)
	}
}
