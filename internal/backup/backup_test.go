package backup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/backup"
	"atelierd/internal/ledger"
	"atelierd/internal/store"
)

func TestABackupIsWholeAndRestoresEverything(t *testing.T) {
	t.Parallel()
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, names(5)...)
			done := f.backup(to)
			if done.Files != 5 || len(done.Left) > 0 || !done.Credentials {
				t.Errorf("the backup is %+v", done)
			}
			whole(t, to, 1)
			r, err := restore(t, to)
			f.must(err)
			dir := filepath.Dir(r.Config)
			for name, text := range map[string]string{
				r.Config: "configuration", filepath.Join(dir, "elsewhere", "etc", "flow.json"): "workflow",
				filepath.Join(r.DataDir, "credentials.json"): "k3y-of-the-agent", filepath.Join(r.DataDir, "artifacts", "o3", "out.png"): "content of o3",
			} {
				data, err := os.ReadFile(name)
				if err != nil || string(data) != text {
					t.Errorf("%s is %q, %v; want %q", name, data, err, text)
				}
				if info, err := os.Stat(name); err == nil && info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %o", name, info.Mode().Perm())
				}
			}
			s, err := store.Open(store.Options{Dir: r.DataDir})
			f.must(err)
			defer s.Close()
			l, err := s.Ledger(t.Context())
			f.must(err)
			m, err := ledger.ReadMark(r.DataDir)
			if err != nil || !strings.Contains(l.Behind(m), "restored from the backup of 2026-11-26T13:00:00Z") {
				t.Errorf("the restored folder says of itself %q, %v", l.Behind(m), err)
			}
		})
	}
}

// TestSnapshotsShareTheirFiles: a second backup copies what is new, and a file that is
// gone from the data folder is still there if an earlier backup has it.
func TestSnapshotsShareTheirFiles(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, names(3)...), filepath.Join(t.TempDir(), "copies")
	f.backup(to)
	f.add("o4", "content of o4")
	f.add("o5", "content of o1") // the same file again
	f.must(os.Remove(filepath.Join(f.data, "artifacts", "o1", "out.png")))
	copied := int64(0)
	done := f.backup(to, func(o *backup.Options) { o.Copied = func(n int64) { copied += n } })
	if done.Files != 5 || len(done.Left) > 0 {
		t.Errorf("the second backup is %+v", done)
	}
	list, err := os.ReadDir(filepath.Join(to, "files"))
	if err != nil || len(list) != 4 {
		t.Errorf("two backups have %d files, %v; want 4", len(list), err)
	}
	whole(t, to, 2)
	if r, err := restore(t, to); err != nil || r.Files != 5 {
		t.Errorf("restored %+v, %v", r, err)
	}
}

// TestWhatIsGoneOrChangedIsSaid: the owner is shown which files are not as the database
// has them, and the rest is backed up.
func TestWhatIsGoneOrChangedIsSaid(t *testing.T) {
	t.Parallel()
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, names(4)...)
			file := func(name string) string { return filepath.Join(f.data, "artifacts", name, "out.png") }
			f.must(errors.Join(os.Remove(file("o1")), os.WriteFile(file("o2"), []byte("touched up"), 0o600),
				os.Remove(file("o3")), os.Symlink(file("o2"), file("o3")), os.Remove(filepath.Join(f.dir, "flow.json"))))
			done := f.backup(to)
			var left []string
			for _, l := range done.Left {
				left = append(left, l.Name+" "+l.Why)
			}
			text := strings.Join(left, "\n")
			for _, want := range []string{"artifacts/o1/out.png is gone", "artifacts/o2/out.png changed", "artifacts/o3/out.png cannot be read", "elsewhere/etc/flow.json is gone"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not said in:\n%s", want, text)
				}
			}
			whole(t, to, 1)
			r, err := restore(t, to)
			f.must(err)
			if data, err := os.ReadFile(filepath.Join(r.DataDir, "artifacts", "o2", "out.png")); err != nil || string(data) != "touched up" {
				t.Errorf("the changed file is %q, %v", data, err)
			}
			if len(r.Left) != 4 {
				t.Errorf("the restore says %+v", r.Left)
			}
		})
	}
}

func TestWithoutCredentialsNothingSecretIsCopied(t *testing.T) {
	t.Parallel()
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, "o1")
			if done := f.backup(to, func(o *backup.Options) { o.NoCredentials = true }); done.Credentials || len(done.Left) != 1 {
				t.Errorf("the backup is %+v", done)
			}
			whole(t, to, 1)
			f.must(filepath.WalkDir(filepath.Dir(to), func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				if strings.Contains(string(data), "k3y-of-the-agent") || strings.Contains(string(data), sum("k3y-of-the-agent")) {
					t.Errorf("%s shows something of the key", path)
				}
				return err
			}))
		})
	}
}

// TestOldSnapshotsAndWhatOnlyTheyNameAreRemoved: keep is a number of snapshots.
func TestOldSnapshotsAndWhatOnlyTheyNameAreRemoved(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1", "o2"), filepath.Join(t.TempDir(), "copies")
	keep := func(o *backup.Options) { o.Keep = 2 }
	f.backup(to, keep)
	second := f.backup(to, keep)
	f.must(os.WriteFile(filepath.Join(f.data, "artifacts", "o1", "out.png"), []byte("another"), 0o600))
	f.must(os.Remove(filepath.Join(to, "files", sum("content of o1"))))
	third := f.backup(to, keep)
	if r := verify(t, to); !slices.Equal(r.Names, []string{second.Snapshot, third.Snapshot}) {
		t.Errorf("the snapshots %q stay", r.Names)
	}
	f.backup(to, keep)
	f.add("o3", "new")
	f.backup(to, keep)
	whole(t, to, 2)
	list, err := os.ReadDir(filepath.Join(to, "files"))
	if err != nil || len(list) != 3 {
		t.Errorf("%d files stay, %v; want 3", len(list), err)
	}
}

// TestWhatACrashHasLeftIsRemovedByTheNext leaves what a process leaves that dies at any
// moment of a backup. The backup before it stays whole.
func TestWhatACrashHasLeftIsRemovedByTheNext(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copies")
	f.backup(to)
	f.write(filepath.Join(to, "files", "new.partial"), "half")
	f.write(filepath.Join(to, "files", sum("of a snapshot that never was")), "of a snapshot that never was")
	f.write(filepath.Join(to, "snapshots", "new.partial", "config", "atelierd.toml"), "half")
	f.write(filepath.Join(to, "snapshots", "20261101T000000Z.partial", "manifest.json"), "doomed")
	if r, err := restore(t, to); err != nil || r.Files != 1 {
		t.Errorf("after a crash a restore is %+v, %v", r, err)
	}
	f.backup(to)
	whole(t, to, 2)
	list, err := os.ReadDir(filepath.Join(to, "snapshots"))
	if err != nil || len(list) != 2 {
		t.Errorf("%d snapshots are left, %v", len(list), err)
	}
	tar := filepath.Join(t.TempDir(), "copy.tar")
	f.write(tar+".partial", strings.Repeat("left over ", 1<<17))
	f.write(tar+".ledger.partial", "half")
	f.backup(tar)
	whole(t, tar, 1)
	if list, err := os.ReadDir(filepath.Dir(tar)); err != nil || len(list) != 1 {
		t.Errorf("%d files are next to the tar, %v", len(list), err)
	}
}

// TestAStoppedBackupLeavesWhatWasThere ends a backup in the middle of a file.
func TestAStoppedBackupLeavesWhatWasThere(t *testing.T) {
	t.Parallel()
	for kind, to := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, "o1")
			f.backup(to)
			f.add("o2", strings.Repeat("large ", 1<<18))
			ctx, cancel := context.WithCancel(t.Context())
			_, err := backup.Make(ctx, f.source(), backup.Options{To: to, Now: f.now, Copied: func(n int64) {
				if n > 1<<13 {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the stopped backup ends with %v", err)
			}
			whole(t, to, 1)
			if list, err := os.ReadDir(filepath.Dir(to)); err != nil || len(list) != 1 {
				t.Errorf("%d files are left, %v", len(list), err)
			}
		})
	}
}

// TestAPlaceThatIsNoneIsRefusedUntouched: files are removed in a backup, so it takes no
// folder that has something else.
func TestAPlaceThatIsNoneIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	f, other := newFixture(t, "o1"), newFixture(t, "o1")
	base := t.TempDir()
	f.write(filepath.Join(base, "full", "files", sum("mine")), "mine")
	f.must(os.Symlink(f.data, filepath.Join(base, "link")))
	f.must(os.Mkdir(filepath.Join(base, "dir.tar"), 0o700))
	theirs := filepath.Join(base, "theirs")
	other.backup(theirs)
	for to, want := range map[string]string{
		f.data: "inside the data folder", filepath.Join(f.data, "a", "b"): "inside the data folder",
		filepath.Join(f.data, "b.tar"):          "inside the data folder",
		filepath.Join(base, "link", "x"):        "inside the data folder",
		filepath.Join(base, "full"):             "has other files",
		filepath.Join(base, "dir.tar"):          "not a regular file",
		filepath.Join(base, "missing", "a.tar"): "no such file",
		theirs:                                  "another data folder",
	} {
		if _, err := backup.Make(t.Context(), f.source(), backup.Options{To: to, Now: f.now}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a backup into %s ends with %v, want %q", to, err, want)
		}
	}
	whole(t, theirs, 1)
	if data, err := os.ReadFile(filepath.Join(base, "full", "files", sum("mine"))); err != nil || string(data) != "mine" {
		t.Errorf("the other file is %q, %v", data, err)
	}
}

// TestRestoredDataIsWhereAConfigurationFindsIt guards a configuration in /etc/atelierd that
// names no data folder: at another place it means the folder next to it.
func TestRestoredDataIsWhereAConfigurationFindsIt(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copies")
	f.backup(to)
	r, err := restore(t, to)
	f.must(err)
	if want := filepath.Join(filepath.Dir(r.Config), dataName); r.DataDir != want {
		t.Errorf("the data is in %s, and the configuration uses %s", r.DataDir, want)
	}
	if _, err := os.Stat(filepath.Join(r.DataDir, store.FileName)); err != nil {
		t.Error(err)
	}
}

func TestARestoreNeedsAnEmptyFolder(t *testing.T) {
	t.Parallel()
	f, to := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copies")
	f.backup(to)
	_, err := restore(t, to, func(r *backup.Restoring) { r.To, r.DataDir = "", f.data })
	if !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("a restore over a data folder ends with %v", err)
	}
	if _, err := restore(t, to, func(r *backup.Restoring) { r.Snapshot = "20200101T000000Z" }); err == nil || !strings.Contains(err.Error(), "has no snapshot") {
		t.Errorf("a restore of no snapshot ends with %v", err)
	}
	r, err := restore(t, to, func(r *backup.Restoring) { r.DataDir, r.To = filepath.Join(t.TempDir(), "data"), "" })
	if err != nil || len(r.Skipped) != 2 || r.Config != "" {
		t.Errorf("a restore of the data folder alone is %+v, %v", r, err)
	}
}
