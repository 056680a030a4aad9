package shared_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/budget/shared"
	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

func open(t *testing.T, dir, id string) *shared.File {
	t.Helper()
	f := shared.New(shared.Options{Dir: dir, ID: id, Name: "agent " + id})
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// take counts a request of the agent in the window of all.
func take(f budget.Share) error {
	return f.Update(context.Background(), func(c *budget.Common) error {
		w := c.Windows[order.ScopeAll]
		if w.StartedAt.IsZero() {
			w.StartedAt, w.EndsAt = time.Now(), time.Now().Add(time.Hour)
		}
		w.Scope = order.ScopeAll
		w.Used++
		c.Windows[order.ScopeAll] = w
		if c.Self.Used == nil {
			c.Self.Used = map[string]int{}
		}
		c.Self.Used[order.ScopeAll]++
		c.Self.Seen, c.Self.Beat = time.Now(), time.Now()
		return nil
	})
}

func TestAFileThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil      func(dir, file string) error
		text, hint string
	}{
		"no folder":             {func(dir, _ string) error { return os.RemoveAll(dir) }, "no such file", "install -d"},
		"a folder of everybody": {func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "everybody", "chmod o-w"},
		"damaged": {func(_, file string) error {
			return os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600)
		}, "not a database", "remove"},
		"a folder in its place": {func(_, file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) }, "not a file", "remove"},
		"a link": {func(dir, file string) error {
			return errors.Join(os.Remove(file), os.Symlink(filepath.Join(dir, "other"), file))
		}, "not a file", "remove"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(testdir.New(t), "shared")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			f := open(t, dir, "a")
			if err := take(f); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(dir, filepath.Join(dir, shared.FileName)); err != nil {
				t.Fatal(err)
			}
			fresh := open(t, dir, "b")
			for _, each := range []*shared.File{fresh, f} {
				if each == f && name == "a folder of everybody" {
					continue // it has the file open
				}
				if err := take(each); err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(shared.Hint(err), c.hint) {
					t.Errorf("%v; hint: %s", err, shared.Hint(err))
				}
			}
			if _, err := shared.Check(t.Context(), dir); err == nil {
				t.Error("the check finds nothing")
			}
		})
	}
}

func TestTheGroupMayWriteWhereItMayWriteToTheFolder(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o700, 0o770} {
		dir := testdir.New(t)
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := take(open(t, dir, "a")); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, shared.FileName))
		if err != nil || info.Mode().Perm() != mode&0o660 {
			t.Errorf("in a folder of mode %o the file has %v, %v", mode, info.Mode(), err)
		}
	}
}

func TestACheckCreatesNothing(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	if n, err := shared.Check(t.Context(), dir); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// equal compares what was read with what was written, but for how a time is represented.
func equal(t *testing.T, got, want budget.Common) {
	t.Helper()
	text := func(c budget.Common) string {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if text(got) != text(want) {
		t.Errorf("read\n%s\nwant\n%s", text(got), text(want))
	}
}
