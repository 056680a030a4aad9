package backup_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// fixture is a data folder with orders that have files, and a configuration.
type fixture struct {
	t     *testing.T
	dir   string // of the configuration
	data  string
	store *store.Store
	now   time.Time
}

// newFixture makes a data folder with these files of orders.
func newFixture(t *testing.T, files ...string) *fixture {
	t.Helper()
	return newFixtureIn(t, storetest.Dir(t), files...)
}

// newFixtureIn is newFixture with a given data folder.
func newFixtureIn(t *testing.T, data string, files ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), data: data, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	var err error
	if f.store, err = store.Open(store.Options{Dir: f.data}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	if err := f.store.Boot(order.Boot{Version: "test"}); err != nil {
		t.Fatal(err)
	}
	f.write(filepath.Join(f.dir, "atelierd.toml"), "configuration")
	f.write(filepath.Join(f.dir, "flow.json"), "workflow")
	f.write(filepath.Join(f.data, "credentials.json"), "k3y-of-the-agent")
	for _, name := range files {
		f.add(name, "content of "+name)
	}
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) write(path, text string) {
	f.t.Helper()
	f.must(os.MkdirAll(filepath.Dir(path), 0o700))
	f.must(os.WriteFile(path, []byte(text), 0o600))
}

// add gives the order of this name a file with this content.
func (f *fixture) add(name, text string) {
	f.t.Helper()
	path := "artifacts/" + name + "/out.png"
	f.write(filepath.Join(f.data, filepath.FromSlash(path)), text)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.data, store.FileName)+"?_pragma=busy_timeout(60000)")
	f.must(err)
	defer db.Close()
	_, err = db.Exec(`INSERT INTO orders (id, service, remote_status, state, created_at, due_at, seen_at, changed_at, fingerprint, raw)
		VALUES (?, 's', 'completed', 'completed', '2026-11-01', '2026-11-01', '2026-11-01', '2026-11-01', 0, '{}')`, name)
	f.must(err)
	_, err = db.Exec(`INSERT INTO artifacts (order_id, kind, round, position, path, name, bytes, sha256, mime, media, width, height, created_at)
		VALUES (?, 'delivery', 0, 0, ?, 'out.png', ?, ?, 'image/png', 'image', 1, 1, '2026-11-01')`, name, path, len(text), sum(text))
	f.must(err)
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func (f *fixture) source() backup.Source {
	return backup.Source{
		DataDir: f.data, ConfigDir: f.dir, Config: "config/atelierd.toml", CopyLedger: f.store.CopyTo, ReadLedger: store.ReadCopy, Version: "test",
		Files: []backup.File{
			{Path: filepath.Join(f.dir, "atelierd.toml"), Name: "config/atelierd.toml"},
			{Path: filepath.Join(f.dir, "flow.json"), Name: "elsewhere/etc/flow.json"},
			{Path: filepath.Join(f.data, "credentials.json"), Name: "data/credentials.json", Secret: true},
		},
	}
}

// backup makes a backup that must succeed, an hour after the last.
func (f *fixture) backup(to string, change ...func(*backup.Options)) backup.Done {
	f.t.Helper()
	f.now = f.now.Add(time.Hour)
	o := backup.Options{To: to, Now: f.now}
	for _, c := range change {
		c(&o)
	}
	done, err := backup.Make(context.Background(), f.source(), o)
	f.must(err)
	return done
}

func verify(t *testing.T, from string) backup.Report {
	t.Helper()
	r, err := backup.Verify(from, store.ReadCopy)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole fails unless a backup verifies.
func whole(t *testing.T, from string, snapshots int) {
	t.Helper()
	if r := verify(t, from); len(r.Problems) > 0 || len(r.Names) != snapshots {
		t.Errorf("%s has %d snapshots, want %d, and the problems %+v", filepath.Base(from), len(r.Names), snapshots, r.Problems)
	}
}

// dataName is the data folder of a configuration that names none.
const dataName = "atelierd-data"

// restore restores a backup that must be whole into a new folder.
func restore(t *testing.T, from string, change ...func(*backup.Restoring)) (backup.Restored, error) {
	t.Helper()
	r := backup.Restoring{From: from, To: filepath.Join(t.TempDir(), "new"), DataName: dataName, Database: store.FileName, ReadLedger: store.ReadCopy}
	for _, c := range change {
		c(&r)
	}
	return backup.Restore(r)
}

// places are the two kinds of backup.
func places(t *testing.T) map[string]string {
	return map[string]string{"folder": filepath.Join(t.TempDir(), "copies"), "tar": filepath.Join(t.TempDir(), "copy.tar")}
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("o%d", i+1))
	}
	return list
}
