//go:build linux

package exec

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// another is a user that every system has.
const another = "nobody"

// needsRoot skips a test where programs cannot run as another user.
func needsRoot(t *testing.T) {
	t.Helper()
	a, err := findAccount(another)
	if err != nil {
		t.Skipf("cannot run as %s: %v", another, err)
	}
	cmd := osexec.Command("test", "-x", os.TempDir())
	cmd.SysProcAttr = newGroup()
	a.run(cmd.SysProcAttr)
	if err := cmd.Run(); err != nil {
		t.Skipf("%s cannot enter %s: %v", another, os.TempDir(), err)
	}
}

// folderForAnother is dataFolder below folders that other users may enter.
func folderForAnother(t *testing.T) (dir string, req generate.Request) {
	t.Helper()
	dir, req = dataFolder(t)
	temp := filepath.Dir(dir) // of the test, in the folder of all its runs
	for _, path := range []string{temp, filepath.Dir(temp)} {
		if err := os.Chmod(path, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return dir, req
}

// asAnother has a program run as another user, away from dir.
func asAnother(dir string) func(*Options) {
	return func(o *Options) {
		o.Isolation = Isolation{User: another, Folder: dir}
		o.Dir, o.Env = "/", append(o.Env, "DATA_DIR="+dir)
	}
}

func mode(t *testing.T, path string) (uid uint32, perm os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = ownerOf(info)
	return uid, info.Mode().Perm()
}

// TestAnotherUserSeesOnlyWhatARunNeeds guards the key, the other files of the data
// folder and its listing, also from a user who knows their names.
func TestAnotherUserSeesOnlyWhatARunNeeds(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	dir, req := folderForAnother(t)
	e := script(t, `
cat "$DATA_DIR/artifacts/o1/references/1.png" > "$OUTPUT_DIR/made.txt"; chmod 666 "$OUTPUT_DIR/made.txt"
{ cat "$DATA_DIR/credentials.json" "$DATA_DIR/artifacts/o2/r0/other.png"; ls "$DATA_DIR" "$DATA_DIR/artifacts" "$DATA_DIR/work"; } > "$OUTPUT_DIR/.seen" 2>/dev/null
touch "$DATA_DIR/new" "$DATA_DIR/work/o1/r0/a1.result.json" 2>/dev/null && echo writable >> "$OUTPUT_DIR/.seen"
id -un >&2; id -G >&2; echo "$HOME" >&2
true`, asAnother(dir))
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := findAccount(another); err != nil || !strings.HasPrefix(res.Log, another+"\n") || !strings.HasSuffix(res.Log, a.home+"\n") {
		t.Errorf("it ran as %q", res.Log)
	}
	made, _ := os.ReadFile(res.Files[0])
	seen, err := os.ReadFile(filepath.Join(req.OutputDir, ".seen"))
	if string(made) != "the reference" || err != nil || len(seen) > 0 {
		t.Errorf("made %q; it saw %q, %v", made, seen, err)
	}
	for _, path := range []string{req.OutputDir, res.Files[0]} {
		if uid, perm := mode(t, path); uid != 0 || perm&0o077 != 0 {
			t.Errorf("%s is left to user %d, %o", path, uid, perm)
		}
	}
	key := []string{filepath.Join(dir, "credentials.json")}
	if got, err := e.Readable(t.Context(), key); err != nil || len(got) != 0 {
		t.Errorf("readable: %q, %v", got, err)
	}
	_, err = e.Generate(t.Context(), req) // the same attempt again
	if err != nil {
		t.Errorf("it does not resume: %v", err)
	}
}

// TestACheckOfAnotherUserReplacesNothing guards finished files against the program that
// looks at them.
func TestACheckOfAnotherUserReplacesNothing(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	dir, req := folderForAnother(t)
	file := filepath.Join(req.OutputDir, "made.png")
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("made"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := script(t, `grep -q made "$OUTPUT_DIR/made.png" || exit 65
mv "$OUTPUT_DIR/made.png" "$OUTPUT_DIR/.made" 2>/dev/null && exit 65
(echo other > "$OUTPUT_DIR/made.png") 2>/dev/null && exit 65; exit 0`, asAnother(dir))
	if err := e.CheckFiles(t.Context(), req, []string{file}); err != nil {
		t.Error(err)
	}
}

// TestAFileOfSomebodyElseIsNoOutput guards the files of the daemon where the kernel lets
// a user put another name on them.
func TestAFileOfSomebodyElseIsNoOutput(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	dir, req := folderForAnother(t)
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "credentials.json"), filepath.Join(req.OutputDir, "made.json")); err != nil {
		t.Fatal(err)
	}
	_, err := script(t, "true", asAnother(dir)).Generate(t.Context(), req)
	wantFailure(t, err, order.Retry, order.CodeBadOutput, "belongs to another user")
}

// TestWhatCannotRunAsAnotherUserIsHeld guards that a program never runs as the daemon's
// own user instead, and that the owner learns why.
func TestWhatCannotRunAsAnotherUserIsHeld(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	closed, req := dataFolder(t) // below a folder that only its owner enters
	if err := os.Chmod(filepath.Dir(closed), 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(closed, "make")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		check, run string
		change     func(*Options)
	}{
		{"unknown user", "unknown user", func(o *Options) { o.Isolation.User = "no-such-user" }},
		{"it is root", "it is root", func(o *Options) { o.Isolation.User = "0" }},
		{"may not run", "may not run", func(o *Options) { o.Dir = closed }},
		{"cannot reach", "may not run", func(o *Options) { o.Command = []string{program} }},
		{"cannot reach", "exited with", func(*Options) {}}, // it cannot write to its folder
	} {
		e := script(t, `echo x > "$OUTPUT_DIR/x"`, asAnother(closed), tc.change)
		if f := wantFailure(t, e.Check(t.Context()), order.Hold, order.CodeMisconfigured, tc.check); f.Hint == "" {
			t.Errorf("%s: no hint", f)
		}
		if _, err := e.Generate(t.Context(), req); err == nil || !strings.Contains(err.Error(), tc.run) {
			t.Errorf("got %v, want %q", err, tc.run)
		}
	}
}

// TestAnotherUserInsideBwrap guards both ways together.
func TestAnotherUserInsideBwrap(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needsBwrap(t)
	dir, req := folderForAnother(t)
	e := script(t, `cat "$DATA_DIR/artifacts/o1/references/1.png" > "$OUTPUT_DIR/made.txt"; cat "$DATA_DIR/credentials.json" >> "$OUTPUT_DIR/made.txt"; true`,
		asAnother(dir), func(o *Options) { o.Isolation.Bwrap, o.Isolation.Hide = true, func() []string { return []string{dir} } })
	if err := e.Check(t.Context()); err != nil {
		t.Skipf("this system gives another user no namespaces: %v", err)
	}
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if made, _ := os.ReadFile(res.Files[0]); string(made) != "the reference" {
		t.Errorf("made %q", made)
	}
}
