package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"atelierd/db"
	"atelierd/internal/order"
)

// latest is the version of this program's database.
func latest(t *testing.T) int {
	t.Helper()
	names, err := fs.Glob(db.Migrations(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal("no migrations", err)
	}
	version, _, _ := strings.Cut(names[len(names)-1], "_")
	n, err := strconv.Atoi(version)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// withOneMore is a program that knows one migration more.
func withOneMore(t *testing.T, dir, sql string) (*Store, error) {
	t.Helper()
	all := fstest.MapFS{"99999_more.sql": {Data: []byte("-- +goose Up\n" + sql)}}
	names, err := fs.Glob(db.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(db.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	s := newStore(Options{Dir: dir})
	s.migrations = all
	if s.lock, err = takeLock(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.open()
}

func TestAnUpgradeKeepsABackupOfTheFileBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	s.Close()
	for range 3 { // a service manager starts it again and again
		s, err := withOneMore(t, dir, "CREATE TABLE more (x); SELECT nonsense;")
		if err == nil || !strings.Contains(err.Error(), "migrate the database") {
			t.Fatalf("a migration that fails: %v", err)
		}
		s.Close()
	}
	again := openNew(t, Options{Dir: dir})
	if o := getOrder(t, again, "o1"); o.State != order.StateWorking {
		t.Errorf("after a failed upgrade the order is %s", o.State)
	}
	again.Close()

	s, err := withOneMore(t, dir, "CREATE TABLE more (x);")
	if err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, s.reads, "SELECT count(*) FROM more"); n != 0 {
		t.Errorf("%d rows", n)
	}
	s.Close()
	backups, err := filepath.Glob(filepath.Join(dir, "atelierd-v*"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, fmt.Sprintf("atelierd-v%d.db", latest(t)))}; !slices.Equal(backups, want) {
		t.Fatalf("backups %v, want %v: one a version", backups, want)
	}
	// The way back: the backup in a folder of its own is what it was.
	old := t.TempDir()
	if err := os.Rename(backups[0], filepath.Join(old, FileName)); err != nil {
		t.Fatal(err)
	}
	restored := openNew(t, Options{Dir: old})
	take(t, restored, order.LaneGenerate)
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrNewer) {
		t.Errorf("the upgraded file opens in the older program: %v", err)
	}
}

// TestAFileOfTheFirstVersionKeepsAllItHolds upgrades what atelierd 1 has written.
func TestAFileOfTheFirstVersionKeepsAllItHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := fs.ReadFile(db.Migrations(), "00001_start.sql")
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(Options{Dir: dir})
	s.migrations = fstest.MapFS{"00001_start.sql": {Data: first}}
	file := outside(t, dir)
	s.db = file
	p, err := s.newProvider(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	const at = "'2026-11-23T15:04:05.000Z'"
	for _, sql := range []string{
		fmt.Sprint("PRAGMA application_id = ", applicationID),
		"INSERT INTO orders (id, service, remote_status, state, created_at, due_at, seen_at, changed_at, fingerprint, raw) VALUES ('o1', 'Images', 'paid', 'working', " +
			at + "," + at + "," + at + "," + at + ", 1, '{}')",
		"INSERT INTO jobs (id, order_id, kind, round, stage, lane, priority, state, attempt, due_at, run_at, created_at, changed_at) VALUES (7, 'o1', 'delivery', 0, 'upload', 'network', 1, 'ready', 2, " +
			at + "," + at + "," + at + "," + at + ")",
		"INSERT INTO attempts (job_id, stage, attempt, started_at, outcome, cost_usd_micros) VALUES (7, 'generate', 1, " + at + ", 'done', 40000)",
		"INSERT INTO artifacts (order_id, round, position, path, name, bytes, sha256, mime, media, width, height, created_at) VALUES ('o1', 0, 0, 'p', 'n', 1, 's', 'image/png', 'image', 1, 1, " + at + ")",
		"INSERT INTO services (title, remote_id, state, changed_at) VALUES ('Images', 'svc_1', 'listed', " + at + ")",
	} {
		mustExec(t, file, sql)
	}
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

func TestReadersDoNotUpgrade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openNew(t, Options{Dir: dir}).Close()
	mustExec(t, outside(t, dir), fmt.Sprint("DELETE FROM goose_db_version WHERE version_id = ", latest(t)))
	for name, open := range map[string]func() error{
		"OpenReader": func() error { _, err := OpenReader(dir); return err },
		"OpenOwner":  func() error { _, err := OpenOwner(dir); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "start the daemon once") {
			t.Errorf("%s of an older file: %v", name, err)
		}
	}
}
