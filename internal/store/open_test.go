package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"atelierd/db"
	"atelierd/internal/order"
)

func TestAFreshFolderGetsAPrivateDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	openNew(t, Options{Dir: dir})
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, FileName): 0o600, filepath.Join(dir, lockName): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
	file := outside(t, dir)
	if id := scan[int](t, file, "PRAGMA application_id"); id != applicationID {
		t.Errorf("application_id %#x, want %#x", id, applicationID)
	}
	if mode := scan[string](t, file, "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("journal mode %s", mode)
	}
}

func TestEveryWriteIsSyncedToTheDisk(t *testing.T) {
	s := openNew(t, Options{})
	for pragma, want := range map[string]int{"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "journal_size_limit": 64 << 20} {
		var got int
		if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %d, want %d", pragma, got, want)
		}
	}
}

func TestADatabaseFromANewerProgramIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	s.Close()
	file := outside(t, dir)
	mustExec(t, file, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	file.Close()
	for name, open := range map[string]func() error{
		"Open":       func() error { _, err := Open(Options{Dir: dir}); return err },
		"OpenReader": func() error { _, err := OpenReader(dir); return err },
		"OpenOwner":  func() error { _, err := OpenOwner(dir); return err },
	} {
		if err := open(); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "99") {
			t.Errorf("%s: %v, want ErrNewer with the version", name, err)
		}
	}
	if Holder(dir) != 0 {
		t.Error("a refused Open keeps the lock")
	}
	if n := scan[int](t, outside(t, dir), "SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("%d orders are left, want 1", n)
	}
}

func TestAnotherProgramsDatabaseIsRefusedUntouched(t *testing.T) {
	for name, statements := range map[string][]string{
		"with tables": {"CREATE TABLE theirs (x)"},
		"stamped":     {"PRAGMA application_id = 77"},
		"both":        {"PRAGMA application_id = 77", "CREATE TABLE theirs (x)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := outside(t, dir)
			for _, statement := range statements {
				mustExec(t, file, statement)
			}
			before := scan[int](t, file, "SELECT count(*) FROM sqlite_master")
			if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not a database of atelierd") {
				t.Errorf("error %v", err)
			}
			if after := scan[int](t, file, "SELECT count(*) FROM sqlite_master"); after != before {
				t.Errorf("%d tables after, %d before", after, before)
			}
		})
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	text := strings.Repeat("this is a letter to my aunt. ", 200)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil {
		t.Fatal("opened")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("the file was changed: %v", err)
	}
}

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

func TestThereIsOneDaemonAFolder(t *testing.T) {
	dir := t.TempDir()
	if pid := Holder(dir); pid != 0 {
		t.Errorf("an empty folder is held by %d", pid)
	}
	s := openNew(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v, want ErrLocked", err)
	}
	if pid := Holder(dir); pid != os.Getpid() {
		t.Errorf("held by %d, want %d", pid, os.Getpid())
	}
	s.Close()
	if pid := Holder(dir); pid != 0 {
		t.Errorf("after Close it is held by %d", pid)
	}
	openNew(t, Options{Dir: dir})
}

func TestLookingForTheHolderLetsADaemonStart(t *testing.T) {
	dir := t.TempDir()
	openNew(t, Options{Dir: dir}).Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Holder(dir)
			}
		}
	})
	for range 200 {
		l, err := takeLock(dir)
		if err != nil {
			t.Errorf("a look at the lock kept a daemon from starting: %v", err)
			break
		}
		l.release()
	}
	close(stop)
	wg.Wait()
}

func TestTheLockDiesWithItsProcess(t *testing.T) {
	if dir := os.Getenv("ATELIERD_TEST_LOCK"); dir != "" {
		if _, err := takeLock(dir); err != nil {
			os.Exit(3)
		}
		os.Stdout.WriteString("locked\n")
		select {} // until killed
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestTheLockDiesWithItsProcess$")
	child.Env = append(os.Environ(), "ATELIERD_TEST_LOCK="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 7)
	if _, err := out.Read(line); err != nil || string(line) != "locked\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if pid := Holder(dir); pid != child.Process.Pid {
		t.Errorf("held by %d, want the child %d", pid, child.Process.Pid)
	}
	child.Process.Kill()
	child.Wait()
	openNew(t, Options{Dir: dir})
}

func TestNoDatabaseIsSaidSo(t *testing.T) {
	if _, err := OpenReader(t.TempDir()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("OpenReader: %v", err)
	}
	if _, err := OpenOwner(t.TempDir()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("OpenOwner: %v", err)
	}
}

func TestAFolderWithOddCharactersOpens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my data?mode=memory#1 100% ü")
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		t.Error(err)
	}
}
