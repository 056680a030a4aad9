package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"atelierd/db"
	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

// written is a time in rows that an older version wrote.
const written = "'2026-11-23T15:04:05.000Z'"

// atVersion makes a database as the program of that version did, with one order
// and its job 7, and returns a connection to it.
func atVersion(t *testing.T, dir string, version int) *sql.DB {
	t.Helper()
	names, err := fs.Glob(db.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{}
	for _, name := range names[:version] {
		data, err := fs.ReadFile(db.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: data}
	}
	s := newStore(Options{Dir: dir})
	s.migrations = old
	file := outside(t, dir)
	p, err := s.newProvider(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, file, fmt.Sprint("PRAGMA application_id = ", applicationID))
	mustExec(t, file, "INSERT INTO orders (id, service, remote_status, state, created_at, due_at, seen_at, changed_at, fingerprint, raw) "+
		"VALUES ('o1', 'Images', 'paid', 'working', "+written+","+written+","+written+","+written+", 1, '{}')")
	mustExec(t, file, "INSERT INTO jobs (id, order_id, kind, round, stage, lane, priority, state, attempt, due_at, run_at, created_at, changed_at) "+
		"VALUES (7, 'o1', 'delivery', 0, 'upload', 'network', 1, 'ready', 2, "+written+","+written+","+written+","+written+")")
	mustExec(t, file, "INSERT INTO attempts (id, job_id, stage, attempt, started_at, outcome, cost_usd_micros) "+
		"VALUES (3, 7, 'generate', 1, "+written+", 'done', 40000)")
	return file
}

func TestAFileOfTheFirstVersionKeepsAllItHolds(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	file := atVersion(t, dir, 1)
	mustExec(t, file, "INSERT INTO artifacts (order_id, round, position, path, name, bytes, sha256, mime, media, width, height, created_at) "+
		"VALUES ('o1', 0, 0, 'p', 'n', 1, 's', 'image/png', 'image', 1, 1, "+written+")")
	mustExec(t, file, "INSERT INTO services (title, remote_id, state, changed_at) VALUES ('Images', 'svc_1', 'listed', "+written+")")
	file.Close()
	up := openNew(t, Options{Dir: dir})
	job := take(t, up, order.LaneNetwork)
	if job.ID != 7 || job.Stage != order.StageUpload || job.Attempt != 3 || job.Kind != order.KindDelivery {
		t.Errorf("its job is %+v", job)
	}
	files, err := up.Artifacts(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(files) != 1 {
		t.Errorf("its files are %v, %v", files, err)
	}
	if cost := scan[float64](t, up.reads, "SELECT cost_usd FROM v_orders WHERE id = 'o1'"); cost != 0.04 {
		t.Errorf("it has cost %v", cost)
	}
	if ids, _, err := up.DueThreads(t.Context(), time.Now(), 5); err != nil || !slices.Equal(ids, []string{"o1"}) {
		t.Errorf("the threads to be read are %v, %v", ids, err)
	}
	if l, err := up.Services(t.Context()); err != nil || len(l) != 1 || l[0].RemoteID != "svc_1" {
		t.Errorf("its services are %v, %v", l, err)
	}
	if n := scan[int](t, up.reads, "SELECT count(*) FROM pragma_foreign_key_check"); n != 0 {
		t.Errorf("%d references lead nowhere", n)
	}
}

// TestAFileWithTheOldNamesKeepsAllItHolds upgrades files of the versions that
// used the table generations and facts named trouble.
func TestAFileWithTheOldNamesKeepsAllItHolds(t *testing.T) {
	t.Parallel()
	for _, version := range []int{5, 6} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			t.Parallel()
			dir := testdir.New(t)
			file := atVersion(t, dir, version)
			for _, sql := range []string{
				"INSERT INTO attempts (id, job_id, stage, attempt, started_at) VALUES (4, 7, 'generate', 2, '2026-11-23T16:00:00.000Z')",
				"INSERT INTO generations (job_id, attempt_id, generator, key, ticket, state, cost_usd_micros, began_at) " +
					"VALUES (7, 4, 'studio', 'k1', 'job-1', 'submitted', 50000, " + written + ")",
				"INSERT INTO requests (at, call, order_id, status) VALUES (" + written + ", 'poll', '', 200)",
				"INSERT INTO acts (name, detail, state, sent_at) VALUES ('token', 'X', 'sending', " + written + ")",
				"INSERT INTO facts VALUES ('trouble.wallet', 'no wallet', " + written + ")",
				"INSERT INTO facts VALUES ('trouble.generator.studio', 'down', " + written + ")",
				"INSERT INTO events (at, order_id, kind, text) VALUES ('2026-11-23T15:30:00.000Z', 'o1', 'owner', 'retried by the owner')",
				"INSERT INTO events (at, order_id, kind, text) VALUES ('2026-11-23T17:00:00.000Z', 'o1', 'owner', 'wrote to the client')",
			} {
				mustExec(t, file, sql)
			}
			file.Close()
			checkNewNames(t, openNew(t, Options{Dir: dir}))
		})
	}
}

func checkNewNames(t *testing.T, s *Store) {
	t.Helper()
	calls, err := s.OpenCalls(t.Context(), order.Job{ID: 7}, order.PurposeMake)
	if err != nil || len(calls) != 1 || calls[0].Ticket != "job-1" || calls[0].Cost != 50_000 || calls[0].Attempt != 2 {
		t.Errorf("its calls are %+v, %v", calls, err)
	}
	if err := s.CloseCall(calls[0].ID, order.CallDone, 60_000, ""); err != nil {
		t.Error(err)
	}
	if a, ok, err := s.OneTimeAction(t.Context(), "token"); err != nil || !ok || a.State != "sending" {
		t.Errorf("its action is %+v, %v", a, err)
	}
	if got, want := needs(t, s), "daemon alert.wallet held, generator studio paused"; got != want {
		t.Errorf("%q needs the owner, want %q", got, want)
	}
	st, err := s.Status(t.Context(), placed.Add(-day))
	if err != nil || len(st.Requests) != 1 || st.Requests[0].Kind != order.RequestPoll {
		t.Errorf("its requests are %+v, %v", st.Requests, err)
	}
	if n := scan[int](t, s.reads, "SELECT cap_after_attempt FROM jobs WHERE id = 7"); n != 3 {
		t.Errorf("its cap counts after attempt %d, want 3, the last before the owner's retry", n)
	}
	if n := scan[int](t, s.reads, "SELECT count(*) FROM pragma_foreign_key_check"); n != 0 {
		t.Errorf("%d references lead nowhere", n)
	}
	checkViews(t, s.reads)
}

// views returns the names and texts of the views in a file.
func views(t *testing.T, file *sql.DB) map[string]string {
	t.Helper()
	rows, err := file.Query("SELECT name, sql FROM sqlite_schema WHERE type = 'view'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	list := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		list[name] = text
	}
	return list
}

// checkViews checks that the views of a file are those of views.sql.
func checkViews(t *testing.T, file *sql.DB) {
	t.Helper()
	got := views(t, file)
	if want := strings.Count(db.Views, "CREATE VIEW"); len(got) != want {
		t.Errorf("the file has %d views, want %d", len(got), want)
	}
	for name, text := range got {
		if !strings.Contains(db.Views, text+";") {
			t.Errorf("view %s is not that of views.sql: %s", name, text)
		}
	}
	if id := scan[int](t, file, "PRAGMA user_version"); id != viewsID(db.Views) {
		t.Errorf("the file says it has the views %d, want %d", id, viewsID(db.Views))
	}
}

// TestAnUpgradeThatFailsLosesNoView guards that the views, which an upgrade drops
// first and creates last, come back whatever happens in between.
func TestAnUpgradeThatFailsLosesNoView(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s, err := withOneMore(t, dir, "CREATE TABLE more (x); SELECT nonsense;")
	if err == nil {
		t.Fatal("a migration with an error was taken")
	}
	s.Close()
	if got := views(t, outside(t, dir)); len(got) != 0 {
		t.Fatalf("the failed upgrade left the views %v; this test should see it between its two steps", got)
	}
	if _, err := OpenReader(dir); !errors.Is(err, ErrOlder) {
		t.Errorf("a reader of a file without views: %v", err)
	}
	again := openNew(t, Options{Dir: dir})
	checkViews(t, again.reads)
}

func TestViewsThatFailAreNotWrittenInPart(t *testing.T) {
	t.Parallel()
	s := newStore(Options{Dir: newDir(t)})
	s.db = outside(t, s.dir)
	s.views = "CREATE VIEW v_more AS SELECT 1 AS one; CREATE VIEW nonsense"
	if err := s.createViews(); err == nil {
		t.Fatal("views with an error were taken")
	}
	checkViews(t, s.db)
}

// TestOtherViewsReachAFileWithoutAMigration guards that a program replaces the
// views of another, and that an open of an up-to-date file writes nothing.
func TestOtherViewsReachAFileWithoutAMigration(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	other := newStore(Options{Dir: dir})
	other.views = db.Views + "CREATE VIEW v_more AS SELECT 1 AS one;"
	if err := other.open(); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, other.reads, "SELECT one FROM v_more"); n != 1 {
		t.Errorf("the new view shows %d", n)
	}
	other.Close()
	openNew(t, Options{Dir: dir}).Close()
	file := outside(t, dir)
	checkViews(t, file)
	before := scan[int](t, file, "PRAGMA schema_version")
	openNew(t, Options{Dir: dir}).Close()
	if after := scan[int](t, file, "PRAGMA schema_version"); after != before {
		t.Errorf("an open of an up-to-date file changed its schema %d times", after-before)
	}
}

// TestAReaderUsesItsOwnViews guards that a command works next to a daemon of
// another version whose views have other columns.
func TestAReaderUsesItsOwnViews(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	openNew(t, Options{Dir: dir}).Close()
	file := outside(t, dir)
	mustExec(t, file, "DROP VIEW v_attention")
	mustExec(t, file, "CREATE VIEW v_attention AS SELECT 1 AS something_else")
	mustExec(t, file, "PRAGMA user_version = 77")
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	owner := openOwner(t, dir)
	if err := owner.SetAlert(order.AlertWallet, "no wallet"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{r, owner.Store} {
		if got, want := needs(t, s), "daemon alert.wallet held"; got != want {
			t.Errorf("%q needs the owner, want %q", got, want)
		}
	}
	if n := scan[int](t, file, "SELECT something_else FROM v_attention"); n != 1 {
		t.Errorf("the reader changed the view of the file: %d", n)
	}
}

func TestAnUpgradeTakesTheBriefFromRowsThatDoNotChangeAnyMore(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"brief_english":"a fox","brief_spec":{"size":"A4"}}`: `a fox {"size":"A4"}`,
		`{"brief_spec":"{\"size\":\"A4\"}"}`:                   ` {"size":"A4"}`,
		`{"brief_english":7,"brief_spec":"words"}`:             ` `,
		`{}`: ` `,
	} {
		dir := testdir.New(t)
		file := atVersion(t, dir, 8)
		mustExec(t, file, "UPDATE orders SET raw = '"+raw+"'")
		mustExec(t, file, "INSERT INTO orders (id, remote_status, state, created_at, due_at, seen_at, changed_at, completed_at, fingerprint, raw) "+
			"VALUES ('o2', 'completed', 'completed', "+written+","+written+","+written+","+written+","+written+", 1, '{}')")
		file.Close()
		up := openNew(t, Options{Dir: dir})
		o, err := up.Order(t.Context(), "o1")
		if got := o.BriefEnglish + " " + string(o.BriefSpec); err != nil || got != want {
			t.Errorf("%s became %q, %v; want %q", raw, got, err, want)
		}
		if ids, _, err := up.DueReviews(t.Context(), time.Now(), 5); err != nil || !slices.Equal(ids, []string{"o2"}) {
			t.Errorf("the reviews to be read are %v, %v", ids, err)
		}
	}
}
