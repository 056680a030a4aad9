package exec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// Isolation hides files of the daemon from a program. Its zero value hides nothing.
type Isolation struct {
	// Bwrap runs the program by bubblewrap (bwrap, Linux only), in a file system where
	// Hide is empty, and where it sees no other processes.
	Bwrap bool
	// Hide returns the files and folders to hide. What a run needs of them is shown
	// nevertheless: its output folder, the references and the files to check.
	Hide func() []string
	// User is the name or the number of the user who runs the program. Only root can set
	// one. Empty means the daemon's own user.
	User string
	// Folder is the data folder, which User may only pass. What a run needs of it is
	// shared with the user's group. Empty shares nothing.
	Folder string
}

// wrap returns the command that runs path with the arguments. Without isolation that is
// the program itself.
func (e *Program) wrap(path string, args []string, req generate.Request) (string, []string, error) {
	if !e.opts.Isolation.Bwrap {
		return path, args, nil
	}
	bwrap, err := osexec.LookPath("bwrap")
	if err != nil {
		return "", nil, order.Failf(order.Hold, order.CodeMisconfigured, "cannot isolate %s: bwrap is not installed", e.opts.Name).Nothing().
			WithHint("install bubblewrap (apt install bubblewrap), or remove isolate from the configuration")
	}
	argv := append([]string{bwrap}, e.bwrapFlags(req)...)
	argv = append(argv, "--chdir", e.opts.Dir, "--", path)
	return bwrap, append(argv, args[1:]...), nil
}

// bwrapFlags describe the file system of a run. Later mounts cover earlier ones, so what
// is hidden comes first. Root keeps no capability with which it could undo a mount.
func (e *Program) bwrapFlags(req generate.Request) []string {
	flags := []string{"--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--cap-drop", "ALL"}
	var folders []string
	for _, path := range e.hidden() {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			continue // there is nothing to hide
		case info.IsDir():
			flags, folders = append(flags, "--tmpfs", path), append(folders, path)
		default:
			flags = append(flags, "--ro-bind", "/dev/null", path)
		}
	}
	for _, path := range mayRead(req) {
		flags = append(flags, "--ro-bind-try", path, path)
	}
	if req.OutputDir != "" {
		flags = append(flags, "--bind", req.OutputDir, req.OutputDir)
	}
	for _, folder := range folders {
		flags = append(flags, "--remount-ro", folder)
	}
	return flags
}

// mayRead returns the files of the data folder that a run may read.
func mayRead(req generate.Request) []string {
	list := slices.Clone(req.Made)
	for _, r := range req.References {
		list = append(list, r.Path)
	}
	for _, t := range req.PreviousTakes {
		list = append(list, t.Files...)
	}
	return list
}

// hidden returns what is hidden by its real path, because a mount covers no link. A
// file inside a folder that is hidden is left out.
func (e *Program) hidden() []string {
	if e.opts.Isolation.Hide == nil {
		return nil
	}
	var list []string
	for _, path := range e.opts.Isolation.Hide() {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			list = append(list, real)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(path string) bool {
		return slices.ContainsFunc(list, func(other string) bool { return strings.HasPrefix(path, other+string(filepath.Separator)) })
	})
}

// Readable returns which of the files a run of the program could open.
func (e *Program) Readable(ctx context.Context, files []string) ([]string, error) {
	// A file that is hidden is a device.
	const probe = `for f in "$@"; do if (: < "$f") 2>/dev/null && ! [ -c "$f" ]; then printf '%s\n' "$f"; fi; done`
	return e.probe(ctx, probe, files)
}

// probe returns the lines that a shell script prints about the paths, where and as the
// program would run.
func (e *Program) probe(ctx context.Context, script string, paths []string) ([]string, error) {
	log := newLineLog(e.opts.Log.With("run", "isolation"), e.redactor())
	p, err := e.process(generate.Request{}, log, append([]string{"/bin/sh", "-c", script, "sh"}, paths...))
	if err != nil {
		return nil, err
	}
	p.timeout = selfCheckTimeout
	out, err := p.run(ctx)
	if err != nil {
		return nil, err
	}
	if out.cut != nil || out.state.ExitCode() != 0 {
		reason := log.finish(nil)
		if reason == "" {
			reason = out.state.String()
		}
		return nil, e.hinted(order.Failf(order.Hold, order.CodeMisconfigured, "cannot run anything where %s would run: %s", e.opts.Name, reason).
			WithHint("bubblewrap needs user namespaces; try `bwrap --dev-bind / / --proc /proc --unshare-pid true`, or remove isolate from the configuration"))
	}
	var list []string
	for line := range strings.Lines(string(out.stdout)) {
		list = append(list, strings.TrimSuffix(line, "\n"))
	}
	return list, nil
}

// checkIsolation fails if the program cannot be isolated, or could not be run so.
func (e *Program) checkIsolation(ctx context.Context) error {
	if !e.opts.Isolation.Bwrap && e.opts.Isolation.User == "" {
		return nil
	}
	path, err := lookPath(e.opts.Command[0], e.opts.Dir, e.env)
	if err != nil {
		return notRunnable(e.opts.Name, e.opts.Command[0], err)
	}
	if err := e.checkAccount(ctx, path); err != nil || !e.opts.Isolation.Bwrap {
		return err
	}
	readable, err := e.Readable(ctx, []string{path})
	if err != nil {
		return err
	}
	if _, err := os.ReadFile(path); len(readable) == 0 && !errors.Is(err, fs.ErrPermission) {
		return order.Failf(order.Hold, order.CodeMisconfigured, "%s is inside the data folder, which isolate hides from it: %.200q", e.opts.Name, path).
			WithHint("move the program out of the data folder")
	}
	return nil
}
