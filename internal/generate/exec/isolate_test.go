//go:build linux

package exec

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// needsBwrap skips a test where programs cannot be isolated.
func needsBwrap(t *testing.T) {
	t.Helper()
	if out, err := osexec.Command("bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "true").CombinedOutput(); err != nil {
		t.Skipf("bubblewrap is missing, or user namespaces are off: %v %s", err, out)
	}
}

// dataFolder returns a data folder with a key, and a request with a reference in it.
func dataFolder(t *testing.T) (dir string, req generate.Request) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	req = request(t)
	req.OutputDir = filepath.Join(dir, "work", "o1", "r0", "a1")
	reference := filepath.Join(dir, "artifacts", "o1", "references", "1.png")
	before := filepath.Join(dir, "artifacts", "o1", "r0", "1.png")
	for path, text := range map[string]string{
		filepath.Join(dir, "credentials.json"): "the key", reference: "the reference", before: " and the take before",
		filepath.Join(dir, "artifacts", "o2", "r0", "other.png"): "another client's",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	req.References = []generate.Reference{{Path: reference}}
	req.PreviousTakes = []generate.Take{{Number: 1, Files: []string{before}}}
	return dir, req
}

func isolated(paths ...string) func(*Options) {
	return func(o *Options) {
		o.Isolation = Isolation{Bwrap: true, Hide: func() []string { return paths }}
		o.Env = append(o.Env, "DATA_DIR="+paths[0])
	}
}

// TestAnIsolatedProgramSeesOnlyWhatItNeeds guards the data folder, also when its path
// is a link, the files of keys elsewhere, and the processes of the daemon.
func TestAnIsolatedProgramSeesOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	needsBwrap(t)
	dir, req := dataFolder(t)
	key := filepath.Join(t.TempDir(), "provider.key")
	if err := os.WriteFile(key, []byte("sk-provider"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	e := script(t, `
cat "$DATA_DIR/artifacts/o1/references/1.png" "$DATA_DIR/artifacts/o1/r0/1.png" > "$OUTPUT_DIR/made.txt"
{ find "$DATA_DIR" -name '*.json' -o -name 'other*'; cat "$KEY_FILE"; cat /proc/[0-9]*/cmdline | tr '\0' ' ' | grep -o 'exec\.test'; } > "$OUTPUT_DIR/.seen"
touch "$DATA_DIR/new" 2>/dev/null && echo writable >> "$OUTPUT_DIR/.seen"
umount "$DATA_DIR" 2>/dev/null; cat "$DATA_DIR/credentials.json" >> "$OUTPUT_DIR/.seen"
true`, isolated(link, key), func(o *Options) { o.Env = append(o.Env, "KEY_FILE="+key) })
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := os.ReadFile(res.Files[0])
	seen, err := os.ReadFile(filepath.Join(req.OutputDir, ".seen"))
	if string(made) != "the reference and the take before" || err != nil || len(seen) > 0 {
		t.Errorf("made %q; it saw %q, %v", made, seen, err)
	}
	files := []string{filepath.Join(dir, "credentials.json"), key}
	if got, err := e.Readable(t.Context(), files); err != nil || len(got) != 0 {
		t.Errorf("readable: %q, %v", got, err)
	}
	if got, err := script(t, "").Readable(t.Context(), files); err != nil || len(got) != 2 {
		t.Errorf("readable without isolation: %q, %v", got, err)
	}
}

// TestAnIsolatedProgramEndsLikeAnother guards exit codes, and that it is asked to end
// before it is killed with all that it has started.
func TestAnIsolatedProgramEndsLikeAnother(t *testing.T) {
	t.Parallel()
	needsBwrap(t)
	dir, req := dataFolder(t)
	_, err := script(t, `echo not this >&2; exit 65`, isolated(dir)).Generate(t.Context(), req)
	wantFailure(t, err, order.Fail, order.CodeRefused, "not this")

	ctx, cancel := context.WithCancel(t.Context())
	ready := onLine(func(line string) {
		if strings.Contains(line, "ready") {
			cancel()
		}
	})
	// The program needs a moment to end, which it gets only if bwrap stays.
	e := script(t, `trap 'sleep 0.2; echo asked > "$OUTPUT_DIR/asked"; exit 0' TERM; setsid sleep 987654 & echo ready >&2; wait`, isolated(dir), ready,
		func(o *Options) { o.Grace = 20 * time.Second })
	_, err = e.Generate(ctx, req)
	wantFailure(t, err, order.Stopped, order.CodeStopped, "")
	if _, err := os.Stat(filepath.Join(req.OutputDir, "asked")); err != nil {
		t.Error("it was not asked to end")
	}
}

// TestWhatCannotBeIsolatedIsHeld guards that a program never runs without the isolation
// that the owner has set.
func TestWhatCannotBeIsolatedIsHeld(t *testing.T) {
	needsBwrap(t)
	dir, req := dataFolder(t)
	inside := filepath.Join(dir, "make")
	if err := os.WriteFile(inside, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	e := script(t, "", isolated(dir), func(o *Options) { o.Command = []string{inside} })
	wantFailure(t, e.Check(t.Context()), order.Hold, order.CodeMisconfigured, "inside the data folder")

	t.Setenv("PATH", t.TempDir()) // so it cannot be parallel
	e = script(t, `echo x > "$OUTPUT_DIR/x"`, isolated(dir), func(o *Options) { o.Command[0] = "/bin/sh" })
	wantFailure(t, e.Check(t.Context()), order.Hold, order.CodeMisconfigured, "bwrap is not installed")
	_, err := e.Generate(t.Context(), req)
	wantFailure(t, err, order.Hold, order.CodeMisconfigured, "bwrap is not installed")
}
