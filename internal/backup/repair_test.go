package backup_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// TestADamagedFileIsCopiedAgain: a bit that flips in a backup keeps the size. Backups read
// what is there again within a month, and one that was removed is copied at once.
func TestADamagedFileIsCopiedAgain(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copies")
	file := filepath.Join(to, "files", sum("content of o1"))
	keep := func(o *backup.Options) { o.Keep = 2 }
	f.backup(to, keep)
	data, err := os.ReadFile(file)
	f.must(err)
	f.must(os.WriteFile(file, flip(data), 0o600))
	days := 0
	for ; days < 31 && len(verify(t, to).Problems) > 0; days++ {
		f.now = f.now.Add(23 * time.Hour)
		f.backup(to, keep)
	}
	if days == 0 {
		t.Error("the damage is not found")
	}
	whole(t, to, 2)
	f.must(os.WriteFile(file, flip(data), 0o600))
	f.must(os.Remove(file))
	f.backup(to, keep)
	whole(t, to, 2)
}

// TestTheNewSnapshotStaysWhateverTheClockWas: older snapshots may be dated in the future.
func TestTheNewSnapshotStaysWhateverTheClockWas(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copies")
	before := f.backup(to)
	f.now = f.now.AddDate(1, 0, 0)
	ahead := f.backup(to)
	f.now = f.now.AddDate(-1, 0, 0)
	done := f.backup(to, func(o *backup.Options) { o.Keep = 2 })
	if r := verify(t, to); !slices.Equal(r.Names, []string{before.Snapshot, done.Snapshot}) || !slices.Equal(done.Removed, []string{ahead.Snapshot}) {
		t.Errorf("the snapshots %q stay, and %q were removed", r.Names, done.Removed)
	}
	f.now = f.now.AddDate(0, 0, -1)
	done = f.backup(to, func(o *backup.Options) { o.Keep = 1 })
	if r := verify(t, to); !slices.Equal(r.Names, []string{done.Snapshot}) {
		t.Errorf("the snapshots %q stay, want %s", r.Names, done.Snapshot)
	}
	whole(t, to, 1)
}

// TestAFileThatCannotBeReadIsLeftOut: /proc/self/mem is a file whose first byte cannot be
// read, as on a disk that dies. The books are backed up all the same.
func TestAFileThatCannotBeReadIsLeftOut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it needs a file that cannot be read")
	}
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			src := f.source()
			src.DataDir = "/proc/self"
			src.ReadLedger = func(path string) (order.LedgerCopy, error) {
				c, err := store.ReadCopy(path)
				c.Files = append(c.Files, order.StoredFile{Path: "mem", Bytes: 1, SHA256: sum("mem")})
				return c, err
			}
			done, err := backup.Make(context.Background(), src, backup.Options{To: to, Now: f.now})
			f.must(err)
			if len(done.Left) != 1 || done.Left[0].Name != "mem" || !strings.Contains(done.Left[0].Why, "cannot be read") {
				t.Errorf("the backup is %+v", done)
			}
			whole(t, to, 1)
		})
	}
}
