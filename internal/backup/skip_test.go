package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/backup"
)

func skipping(r *backup.Restoring) { r.SkipDamaged = true }

// TestDamagedFilesOfOrdersAreLeftOutOnRequest: the snapshots share their files, so one that
// is damaged must not keep the books from being restored.
func TestDamagedFilesOfOrdersAreLeftOutOnRequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a flipped bit in a file", "a file that is cut off", "a missing file", "two files that were swapped"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spoil(t)
			damages[name](s)
			after := filepath.Join(t.TempDir(), "after.tar")
			pack(t, after, s.dir)
			for _, from := range []string{s.dir, after} {
				_, err := restore(t, from)
				if damaged, is := errors.AsType[*backup.DamagedError](err); !is || !damaged.Skippable() {
					t.Errorf("%s: a restore of everything ends with %v", filepath.Base(from), err)
				}
				r, err := restore(t, from, skipping)
				s.must(err)
				if len(r.Left) == 0 || r.Files+len(r.Left) != 4 {
					t.Errorf("%s: %d files are restored, and left out are %+v", filepath.Base(from), r.Files, r.Left)
				}
				for _, l := range r.Left {
					if _, err := os.Lstat(filepath.Join(r.DataDir, filepath.FromSlash(l.Name))); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("%s: %s is there, %v", filepath.Base(from), l.Name, err)
					}
				}
				if data, err := os.ReadFile(filepath.Join(r.DataDir, "artifacts", "o4", "out.png")); err != nil || string(data) != "content of o4" {
					t.Errorf("%s: a whole file is %q, %v", filepath.Base(from), data, err)
				}
				if _, err := os.Stat(filepath.Join(r.DataDir, "credentials.json")); err != nil {
					t.Errorf("%s: %v", filepath.Base(from), err)
				}
			}
		})
	}
}

// TestTheBooksAndTheCredentialsHaveToBeWhole: nothing but files of orders is left out.
func TestTheBooksAndTheCredentialsHaveToBeWhole(t *testing.T) {
	t.Parallel()
	for name, do := range damages {
		if strings.Contains(name, "file") || strings.Contains(name, "can read") || strings.Contains(name, "any name") || name == "a link out of the backup" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spoil(t)
			s.must(os.Remove(s.file))
			do(s)
			_, err := restore(t, s.dir, skipping)
			if damaged, is := errors.AsType[*backup.DamagedError](err); !is || damaged.Skippable() {
				t.Errorf("a restore ends with %v", err)
			}
		})
	}
}
