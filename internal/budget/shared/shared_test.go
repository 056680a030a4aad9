package shared_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
func take(f *shared.File) error {
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

func TestProcessesThatCountAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			f := open(t, dir, id) // each as another process does
			for range 25 {
				if err := take(f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	c, err := shared.Look(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Windows[order.ScopeAll].Used; n != 100 || len(c.Others) != 4 {
		t.Errorf("%d of 100 requests of %d agents are counted", n, len(c.Others))
	}
	for _, a := range c.Others {
		if a.Used[order.ScopeAll] != 25 || a.Name != "agent "+a.ID {
			t.Errorf("%+v; want 25 used", a)
		}
	}
}

func TestWhatFailsInAnUpdateIsNotWritten(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	f := open(t, dir, "a")
	if err := take(f); err != nil {
		t.Fatal(err)
	}
	no := &order.Failure{Class: order.Wait, Code: order.CodeBudget, Err: errors.New("no")}
	err := f.Update(t.Context(), func(c *budget.Common) error {
		c.Windows[order.ScopeAll] = budget.CommonWindow{}
		return no
	})
	c, readErr := f.Read(t.Context())
	if !errors.Is(err, no) || readErr != nil || c.Windows[order.ScopeAll].Used != 1 {
		t.Errorf("%v, %v, %+v", err, readErr, c.Windows)
	}
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

func TestAFileThatIsRemovedIsBegunAgain(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	f := open(t, dir, "a")
	if err := take(f); err != nil {
		t.Fatal(err)
	}
	before, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, shared.FileName)); err != nil {
		t.Fatal(err)
	}
	if err := take(f); err != nil {
		t.Fatal(err)
	}
	after, err := f.Read(t.Context())
	if err != nil || after.ID == before.ID || after.Windows[order.ScopeAll].Used != 1 {
		t.Errorf("%v, %q after %q, %+v", err, after.ID, before.ID, after.Windows)
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

func TestAFileThatStaysLockedIsAnErrorAndNoHang(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	f := open(t, dir, "a")
	if err := take(f); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+filepath.Join(dir, shared.FileName)+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	if err := take(f); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("%v", err)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := take(f); err != nil {
		t.Error(err)
	}
}
