package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dying is a file that cannot be read to its end from the second time on.
type dying struct {
	*strings.Reader
	reads int
}

func (d *dying) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p[:min(len(p), 700)])
	if errors.Is(err, io.EOF) {
		d.reads++
	}
	if d.reads > 0 && n > 0 && d.Len() == 0 {
		return 0, &sourceError{errors.New("input/output error")}
	}
	return n, err
}

// WriteTo hides that of the reader, which would not fail.
func (d *dying) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{d})
}

// TestATarHasNoHalfEntries: a file is read twice for a tar, and can fail in the middle of
// its entry.
func TestATarHasNoHalfEntries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "copy.tar")
	to, err := newTar(Options{To: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.begin("ledger", time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	lost := strings.Repeat("lost ", 1000)
	if _, err := to.content(&dying{Reader: strings.NewReader(lost)}, int64(len(lost))); err == nil {
		t.Fatal("the file was read to its end")
	}
	if _, err := to.content(strings.NewReader("whole"), 5); err != nil {
		t.Fatal(err)
	}
	if err := to.finish(); err != nil {
		t.Fatal(err)
	}
	a, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	var texts []string
	err = a.walk(func(i item, from io.Reader) error {
		data, err := io.ReadAll(from)
		texts = append(texts, string(data))
		return err
	})
	if err != nil || len(texts) != 2 || texts[1] != "whole" {
		t.Errorf("the tar has %q, %v", texts, err)
	}
}

// TestHalfACopyIsNoFileOfASnapshot: what cannot be read leaves nothing in a folder.
func TestHalfACopyIsNoFileOfASnapshot(t *testing.T) {
	t.Parallel()
	to, err := newFolder(Options{To: filepath.Join(t.TempDir(), "copies")})
	if err != nil {
		t.Fatal(err)
	}
	defer to.abort()
	m := &maker{ctx: context.Background(), to: to}
	bad := m.counted(io.MultiReader(strings.NewReader("half"), unreadable{errors.New("input/output error")}))
	_, err = to.named("config/flow.json", 0o600, bad, 100)
	if _, is := errors.AsType[*sourceError](err); !is {
		t.Errorf("the copy ends with %v", err)
	}
	if _, err := os.Lstat(filepath.Join(to.(*folder).fresh(), "config", "flow.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half of it stays: %v", err)
	}
}

// TestAHostWithoutSpaceIsNoDamage: the database in a tar is copied before it is read. Where
// it cannot be written, the backup may be whole; where it cannot be read, it is damaged.
func TestAHostWithoutSpaceIsNoDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := item{name: "snapshots/20261126T120000Z/ledger.db", mode: 0o600}
	bad := unreadable{errors.New("input/output error")}
	for in, from := range map[string]io.Reader{filepath.Join(dir, "missing"): strings.NewReader("database"), dir: bad} {
		v := &verifier{ledgerIn: in, found: map[string]fact{}, ledgers: map[string]ledgerFact{}}
		_, host := errors.AsType[*HostError](v.read(i, from))
		if damaged := from == io.Reader(bad); host == damaged || (len(v.Problems) > 0) != damaged {
			t.Errorf("an error of the host: %v, the problems: %+v", host, v.Problems)
		}
	}
}
