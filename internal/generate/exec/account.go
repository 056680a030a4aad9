package exec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// account is another user of this machine, who runs a program.
type account struct {
	name     string
	uid, gid uint32
	groups   []uint32
	home     string
}

// account returns the user who runs the program, or nil for the daemon's own.
func (e *Program) account() (*account, error) {
	if e.opts.Isolation.User == "" {
		return nil, nil
	}
	a, err := findAccount(e.opts.Isolation.User)
	if err != nil {
		held := order.Failf(order.Hold, order.CodeMisconfigured, "cannot run %s as user %.100q: %w", e.opts.Name, e.opts.Isolation.User, err).Nothing()
		switch {
		case errors.Is(err, errNotRoot):
			return nil, held.WithHint(`run atelierd as root, or set isolate = "bwrap" instead of user`)
		case errors.Is(err, errors.ErrUnsupported):
			return nil, held.WithHint("remove user from the configuration")
		}
		return nil, held.WithHint("set user to one that `getent passwd` lists, but not to root")
	}
	return a, nil
}

// errNotRoot refuses capabilities alone, such as CAP_SETUID: the program would inherit
// them, and could read the key by them. What root starts as another user has none.
var errNotRoot = errors.New("only root can do that")

// environment returns the variables of a run. HOME is the user's own unless the owner
// has set it.
func (e *Program) environment(a *account) []string {
	listed := slices.ContainsFunc(e.opts.Env, func(s string) bool { return s == "HOME" || strings.HasPrefix(s, "HOME=") })
	if a == nil || listed {
		return e.env
	}
	env := slices.DeleteFunc(slices.Clone(e.env), func(s string) bool { return strings.HasPrefix(s, "HOME=") })
	return append(env, "HOME="+a.home)
}

// admit makes the output folder the user's own for a run, and lets the user read the
// files that the request names. Of the data folder the user gets no more than the way to
// them, whose entries cannot be listed. A check gets the files, and not the folder. Nil
// needs nothing.
func (a *account) admit(root string, req generate.Request, folder *os.File) error {
	if a == nil {
		return nil
	}
	for _, file := range mayRead(req) {
		if err := a.share(root, file); err != nil {
			return err
		}
	}
	if err := a.lead(root, req.OutputDir); err != nil || len(req.Made) > 0 {
		return err
	}
	return errors.Join(folder.Chmod(0o700), folder.Chown(int(a.uid), int(a.gid)))
}

// leave makes the output folder the daemon's again, so that nothing in it can be replaced.
func (a *account) leave(folder *os.File) error {
	if a == nil {
		return nil
	}
	return errors.Join(folder.Chown(os.Geteuid(), os.Getegid()), folder.Chmod(0o700))
}

// share lets the user read a file of the data folder.
func (a *account) share(root, file string) error {
	if !isBelow(root, file) {
		return nil // a file of the owner's, with permissions of the owner's
	}
	if err := a.lead(root, file); err != nil {
		return err
	}
	return errors.Join(os.Lchown(file, -1, int(a.gid)), os.Chmod(file, 0o640))
}

// lead lets the user enter each folder from root down to the one of path.
func (a *account) lead(root, path string) error {
	for path != root && isBelow(root, path) {
		path = filepath.Dir(path)
		if err := errors.Join(os.Lchown(path, -1, int(a.gid)), os.Chmod(path, 0o710)); err != nil {
			return err
		}
	}
	return nil
}

func isBelow(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return root != "" && err == nil && rel != "." && filepath.IsLocal(rel)
}

// keep makes the files of a run the daemon's own. A file of somebody else's is refused:
// it is a link to what the user must not read. Nil keeps the files as they are.
func (a *account) keep(dir string, files []string) error {
	if a == nil {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return order.Failf(order.Retry, order.CodeOutputDir, "the output folder is gone: %w", withoutPath(err))
	}
	defer root.Close()
	for _, path := range files {
		name, _ := inside(dir, path)
		f, err := root.OpenFile(name, os.O_RDONLY|safeOpen, 0)
		if err != nil {
			return order.Failf(order.Retry, order.CodeBadOutput, "the output %.100q cannot be read: %w", name, withoutPath(err))
		}
		err = a.take(f)
		f.Close()
		if err != nil {
			return order.Failf(order.Retry, order.CodeBadOutput, "the output %.100q: %w", name, err)
		}
	}
	return nil
}

// take makes an open file the daemon's own. One that is the daemon's already was taken
// before, unless it has another name.
func (a *account) take(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return withoutPath(err)
	}
	if owner, names := ownerOf(info); owner != a.uid && (int(owner) != os.Geteuid() || names > 1) {
		return errors.New("it belongs to another user")
	}
	return errors.Join(f.Chown(os.Geteuid(), os.Getegid()), f.Chmod(0o600))
}

// checkAccount returns a failure unless the user can reach the data folder and run the
// program at path.
func (e *Program) checkAccount(ctx context.Context, path string) error {
	a, err := e.account()
	if a == nil || err != nil {
		return err
	}
	root := e.opts.Isolation.Folder
	if err := a.lead(root, filepath.Join(root, "any")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return order.Failf(order.Hold, order.CodeMisconfigured, "cannot let user %.100q pass the data folder: %w", a.name, err).Nothing()
	}
	places := []string{path}
	if _, err := os.Stat(root); err == nil {
		places = append(places, root)
	}
	const probe = `for f in "$@"; do [ -x "$f" ] || printf '%s\n' "$f"; done`
	closed, err := e.probe(ctx, probe, places)
	if err != nil || len(closed) == 0 {
		return err
	}
	f := order.Failf(order.Hold, order.CodeMisconfigured, "user %.100q cannot reach %.200q", a.name, closed[0]).Nothing()
	if closed[0] == path {
		return f.WithHint("let that user run the file, and enter the folders above it; `namei -l %.200q` lists their permissions", path)
	}
	return f.WithHint("let that user enter the folders above data_dir, or set another one; `namei -l %.200q` lists their permissions", root)
}

// shutOut is the failure of a program that the user may not start.
func (a *account) shutOut(p process, path string) *order.Failure {
	return order.Failf(order.Hold, order.CodeMisconfigured, "user %.100q may not run %s, %.200q in %.200q", a.name, p.name, path, p.dir).Nothing().
		WithHint("let that user run the file, and enter its folder and that of the configuration")
}
