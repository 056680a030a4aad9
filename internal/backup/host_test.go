package backup_test

import (
	"errors"
	"strings"
	"testing"

	"atelierd/internal/backup"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// TestADatabaseOfANewerProgramIsNotDamaged: nobody is asked to remove a backup that a newer
// program can read, and the backups of before it are restored.
func TestADatabaseOfANewerProgramIsNotDamaged(t *testing.T) {
	t.Parallel()
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, "o1")
			older := f.backup(to)
			f.add("o2", "content of o2")
			f.backup(to)
			read := func(path string) (order.LedgerCopy, error) {
				c, err := store.ReadCopy(path)
				if err == nil && len(c.Files) == 2 {
					return order.LedgerCopy{}, &backup.HostError{Err: store.ErrNewer}
				}
				return c, err
			}
			if _, err := backup.Verify(to, read); !errors.Is(err, store.ErrNewer) {
				t.Errorf("a verification ends with %v", err)
			}
			reads := func(r *backup.Restoring) { r.ReadLedger = read }
			_, err := restore(t, to, reads)
			if _, damaged := errors.AsType[*backup.DamagedError](err); damaged || !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "ledger.db") {
				t.Errorf("a restore ends with %v", err)
			}
			if kind == "folder" {
				_, err := restore(t, to, reads, func(r *backup.Restoring) { r.Snapshot = older.Snapshot })
				f.must(err)
			}
		})
	}
}
