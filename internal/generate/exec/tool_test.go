//go:build unix

package exec

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// shell is a Tool that runs the script after -c.
func shell(t *testing.T) *Tool {
	t.Helper()
	found := FindTool("sh")
	if found == nil {
		t.Fatal("sh is not found")
	}
	return found
}

func TestAToolGetsNothingOfTheDaemons(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := shell(t).Run(t.Context(), dir, "-c", `env > out; cat >> out; pwd > where; echo "$@" >> where`, "sh", "-a", "b c"); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	for _, name := range names {
		if !slices.Contains([]string{"PATH", "LANG", "HOME", "PWD", "OLDPWD", "SHLVL", "_"}, name) {
			t.Errorf("it has %s in its environment", name)
		}
	}
	if where, _ := os.ReadFile(filepath.Join(dir, "where")); string(where) != dir+"\n-a b c\n" {
		t.Errorf("it runs in %q", where)
	}
}

func TestAToolThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	err := shell(t).Run(t.Context(), t.TempDir(), "-c", `echo one >&2; printf 'two \033[2J\n' >&2; exit 3`)
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeExit || !strings.Contains(f.Error(), "two") || strings.Contains(f.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
	if FindTool(filepath.Join(t.TempDir(), "missing")) != nil {
		t.Error("a tool that is not installed is found")
	}
}

func TestAToolThatHangsIsStopped(t *testing.T) {
	t.Parallel()
	hangs := shell(t)
	hangs.timeout = 50 * time.Millisecond
	err := hangs.Run(t.Context(), t.TempDir(), "-c", "sleep 3600 & wait")
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeTimeout {
		t.Errorf("got %v, want a timeout", err)
	}
}
