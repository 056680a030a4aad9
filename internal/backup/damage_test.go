package backup_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/backup"
	"atelierd/internal/store"
)

// spoiled is a backup in a folder that a damage is done to.
type spoiled struct {
	*fixture
	dir          string // of the backup
	first, last  string // the folders of the oldest and the newest snapshot
	file, other  string // contents
	foreign      string // a snapshot of another data folder
	ledger, text string // the database and the manifest of the newest
}

func (s spoiled) edit(path string, how func([]byte) []byte) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	s.must(err)
	s.must(os.WriteFile(path, how(data), 0o600))
}

// sign writes the sum of a manifest that was changed on purpose.
func (s spoiled) sign() {
	s.t.Helper()
	data, err := os.ReadFile(s.text)
	s.must(err)
	s.write(filepath.Join(s.last, "manifest.sha256"), sum(string(data))+"  manifest.json\n")
}

func (s spoiled) replace(path, old, text string) {
	s.t.Helper()
	s.edit(path, func(data []byte) []byte {
		if !bytes.Contains(data, []byte(old)) {
			s.t.Fatalf("%s has no %q", path, old)
		}
		return bytes.Replace(data, []byte(old), []byte(text), 1)
	})
}

// name adds a path to the manifest, with the content of another.
func (s spoiled) name(path string) {
	s.t.Helper()
	s.replace(s.text, `"files": [`, fmt.Sprintf(`"files": [{"path": %q, "sha256": %q, "bytes": %d},`, path, sum("content of o1"), len("content of o1")))
}

func flip(data []byte) []byte { data[len(data)/2] ^= 1; return data }
func half(data []byte) []byte { return data[:len(data)/2] }

// damages are done to a backup in a folder, or to one that becomes a tar.
var damages = map[string]func(s spoiled){
	"a flipped bit in a file": func(s spoiled) { s.edit(s.file, flip) },
	"a file that is cut off":  func(s spoiled) { s.edit(s.file, half) },
	"an empty file":           func(s spoiled) { s.edit(s.file, func([]byte) []byte { return nil }) },
	"a missing file":          func(s spoiled) { s.must(os.Remove(s.file)) },
	"two files that were swapped": func(s spoiled) {
		s.must(errors.Join(os.Rename(s.file, s.file+"x"), os.Rename(s.other, s.file), os.Rename(s.file+"x", s.other)))
	},
	"an additional file":             func(s spoiled) { s.write(filepath.Join(s.dir, "files", sum("more")), "more") },
	"an additional file of any name": func(s spoiled) { s.write(filepath.Join(s.dir, "files", "a.txt"), "more") },
	"a link instead of a file":       func(s spoiled) { s.must(errors.Join(os.Rename(s.file, s.file+"x"), os.Symlink(s.file+"x", s.file))) },
	"a link out of the backup": func(s spoiled) {
		s.must(errors.Join(os.Remove(s.file), os.Symlink(filepath.Join(s.data, store.FileName), s.file)))
	},
	"a folder instead of a file":        func(s spoiled) { s.must(errors.Join(os.Remove(s.file), os.Mkdir(s.file, 0o700))) },
	"a flipped bit in the database":     func(s spoiled) { s.edit(s.ledger, flip) },
	"a database without its last pages": func(s spoiled) { s.edit(s.ledger, half) },
	"a missing database":                func(s spoiled) { s.must(os.Remove(s.ledger)) },
	"the database of another snapshot":  func(s spoiled) { s.must(os.Rename(filepath.Join(s.first, "ledger.db"), s.ledger)) },
	"the manifest of another snapshot": func(s spoiled) {
		s.must(errors.Join(os.Rename(filepath.Join(s.first, "manifest.json"), s.text), os.Rename(filepath.Join(s.first, "manifest.sha256"), filepath.Join(s.last, "manifest.sha256"))))
	},
	"a flipped bit in the manifest":      func(s spoiled) { s.edit(s.text, flip) },
	"a manifest that is cut off":         func(s spoiled) { s.edit(s.text, half) },
	"a missing manifest":                 func(s spoiled) { s.must(os.Remove(s.text)) },
	"a missing sum of the manifest":      func(s spoiled) { s.must(os.Remove(filepath.Join(s.last, "manifest.sha256"))) },
	"a snapshot under another time":      func(s spoiled) { s.must(os.Rename(s.last, filepath.Join(filepath.Dir(s.last), "20270101T000000Z"))) },
	"a snapshot of another data folder":  func(s spoiled) { s.must(os.Rename(s.foreign, filepath.Join(filepath.Dir(s.last), "20270101T000000Z"))) },
	"a snapshot of any name":             func(s spoiled) { s.must(os.Rename(s.first, filepath.Join(filepath.Dir(s.last), "old"))) },
	"a flipped bit in the configuration": func(s spoiled) { s.edit(filepath.Join(s.last, "config", "atelierd.toml"), flip) },
	"a missing configuration":            func(s spoiled) { s.must(os.Remove(filepath.Join(s.last, "config", "atelierd.toml"))) },
	"missing credentials":                func(s spoiled) { s.must(os.Remove(filepath.Join(s.last, "data", "credentials.json"))) },
	"credentials that others can read":   func(s spoiled) { s.must(os.Chmod(filepath.Join(s.last, "data", "credentials.json"), 0o644)) },
	"an additional file in the snapshot": func(s spoiled) { s.write(filepath.Join(s.last, "config", "more.toml"), "more") },
	"another backup.json": func(s spoiled) {
		s.edit(filepath.Join(s.dir, "backup.json"), func(d []byte) []byte { return append(d, ' ') })
	},
	"a path out of the data folder": func(s spoiled) { s.name("../../evil"); s.sign() },
	"an absolute path":              func(s spoiled) { s.name("/etc/cron.d/evil"); s.sign() },
	"a name out of the snapshot": func(s spoiled) {
		s.replace(s.text, "config/atelierd.toml\",\n   \"sha", "config/../../../x\",\n   \"sha")
		s.sign()
	},
	"a manifest that lacks an order's file": func(s spoiled) { s.replace(s.text, "artifacts/o1/out.png", "artifacts/o9/out.png"); s.sign() },
	"a later format":                        func(s spoiled) { s.replace(s.text, `"format": 1`, `"format": 2`); s.sign() },
	"an unknown field":                      func(s spoiled) { s.replace(s.text, `"format": 1`, `"format": 1, "more": 1`); s.sign() },
	"a database that is none": func(s spoiled) {
		data, err := os.ReadFile(s.ledger)
		s.must(err)
		page := bytes.Clone(data)
		copy(page[:16], "no longer SQLite")
		s.replace(s.text, sum(string(data)), sum(string(page)))
		s.sign()
		s.must(os.WriteFile(s.ledger, page, 0o600))
	},
}

// spoil makes a backup with two snapshots for a damage.
func spoil(t *testing.T) spoiled {
	t.Helper()
	f, other := newFixture(t, names(3)...), newFixture(t, "o1")
	s := spoiled{fixture: f, dir: filepath.Join(t.TempDir(), "copies")}
	theirs := filepath.Join(t.TempDir(), "theirs")
	s.foreign = filepath.Join(theirs, "snapshots", other.backup(theirs).Snapshot)
	s.first = filepath.Join(s.dir, "snapshots", f.backup(s.dir).Snapshot)
	f.add("o4", "content of o4")
	s.last = filepath.Join(s.dir, "snapshots", f.backup(s.dir).Snapshot)
	s.file, s.other = filepath.Join(s.dir, "files", sum("content of o1")), filepath.Join(s.dir, "files", sum("content of o2"))
	s.ledger, s.text = filepath.Join(s.last, "ledger.db"), filepath.Join(s.last, "manifest.json")
	return s
}

// TestEachDamageIsFound does each damage to a folder and to a tar. What is damaged in the
// newest snapshot is not restored.
func TestEachDamageIsFound(t *testing.T) {
	t.Parallel()
	for name, do := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spoil(t)
			before := filepath.Join(t.TempDir(), "before.tar")
			pack(t, before, s.dir)
			whole(t, before, 2)
			do(s)
			after := filepath.Join(t.TempDir(), "after.tar")
			pack(t, after, s.dir)
			for _, from := range []string{s.dir, after} {
				r := verify(t, from)
				if len(r.Problems) == 0 {
					t.Errorf("%s: nothing is found", filepath.Base(from))
				}
				if !strings.Contains(name, "additional file") && !strings.Contains(name, "can read") && !strings.Contains(name, "any name") {
					_, err := restore(t, from)
					if _, damaged := errors.AsType[*backup.DamagedError](err); !damaged {
						t.Errorf("%s: a restore ends with %v", filepath.Base(from), err)
					}
				}
			}
		})
	}
}

// pack makes a tar of a folder, with links as they are.
func pack(t *testing.T, to, dir string) {
	t.Helper()
	file, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(file)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			link, err = os.Readlink(path)
		}
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if h.Name = filepath.ToSlash(name); info.IsDir() {
			h.Name += "/"
		}
		if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err := errors.Join(err, w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestADamagedTarIsFound cuts a tar off everywhere, and flips bits all over it.
func TestADamagedTarIsFound(t *testing.T) {
	t.Parallel()
	f, from := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copy.tar")
	f.backup(from)
	data, err := os.ReadFile(from)
	f.must(err)
	bad := filepath.Join(t.TempDir(), "bad.tar")
	for at := 100; at < len(data)-1; at += len(data)/40 - 1 {
		f.must(os.WriteFile(bad, data[:at], 0o600))
		if r := verify(t, bad); len(r.Problems) == 0 {
			t.Errorf("cut off at %d of %d: nothing is found", at, len(data))
		}
	}
	f.must(os.WriteFile(bad, append(bytes.Clone(data), "more"...), 0o600))
	if r := verify(t, bad); len(r.Problems) == 0 {
		t.Error("with something behind its end: nothing is found")
	}
	f.must(os.WriteFile(bad, data[:len(data)-1024], 0o600))
	if r := verify(t, bad); len(r.Problems) == 0 {
		t.Error("without its end: nothing is found")
	}
}

// TestATarLeadsNowhereElse adds entries to a tar that would lead out of a folder.
func TestATarLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	f, from := newFixture(t, "o1"), filepath.Join(t.TempDir(), "copy.tar")
	f.backup(from)
	for name, h := range map[string]tar.Header{
		"up":        {Typeflag: tar.TypeReg, Name: "../evil", Mode: 0o600},
		"inside up": {Typeflag: tar.TypeReg, Name: "files/../../evil", Mode: 0o600},
		"absolute":  {Typeflag: tar.TypeReg, Name: "/tmp/evil", Mode: 0o600},
		"link":      {Typeflag: tar.TypeSymlink, Name: "files/evil", Linkname: "/etc", Mode: 0o777},
		"hard link": {Typeflag: tar.TypeLink, Name: "files/evil", Linkname: "backup.json", Mode: 0o600},
		"device":    {Typeflag: tar.TypeChar, Name: "files/evil", Mode: 0o600},
		"twice":     {Typeflag: tar.TypeReg, Name: "backup.json", Mode: 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := filepath.Join(t.TempDir(), "bad.tar")
			extend(t, bad, from, &h)
			if r := verify(t, bad); len(r.Problems) == 0 {
				t.Error("nothing is found")
			}
			to := filepath.Join(t.TempDir(), "new")
			_, err := restore(t, bad, func(r *backup.Restoring) { r.To = to })
			if _, damaged := errors.AsType[*backup.DamagedError](err); !damaged {
				t.Errorf("a restore ends with %v", err)
			}
			if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the restore has begun: %v", err)
			}
		})
	}
}

// extend copies a tar and adds an entry.
func extend(t *testing.T, to, from string, more *tar.Header) {
	t.Helper()
	old, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	file, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	r, w := tar.NewReader(old), tar.NewWriter(file)
	for h, err := r.Next(); !errors.Is(err, io.EOF); h, err = r.Next() {
		if err == nil {
			err = w.WriteHeader(h)
		}
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.WriteHeader(more), w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}
