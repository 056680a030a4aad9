package exec

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// reserved lists the variables that the daemon sets for each run.
var reserved = []string{"ATELIER_ORDER_ID", "ATTEMPT", "ROUND", "OUTPUT_DIR"}

// cleanEnv returns the whole environment of a program: PATH, HOME, LANG, and what
// the owner lists. The marketplace's key is never passed on.
func cleanEnv(listed []string) ([]string, error) {
	env := map[string]string{
		"PATH": cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin"),
		"LANG": cmp.Or(os.Getenv("LANG"), "C.UTF-8"),
	}
	if home, err := os.UserHomeDir(); err == nil {
		env["HOME"] = home
	}
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, entry := range listed {
		key, value, set := strings.Cut(entry, "=")
		switch {
		case !name.MatchString(key):
			// The entry may hold a secret, so the error names only its place.
			return nil, fmt.Errorf("env entry %d does not begin with a variable's name", slices.Index(listed, entry)+1)
		case strings.EqualFold(key, "ATELIER_API_KEY"):
			return nil, errors.New("env lists ATELIER_API_KEY, which no generator may see")
		case slices.Contains(reserved, key):
			return nil, fmt.Errorf("env lists %s, which the daemon sets itself", key)
		case strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("env sets %s to a value with a NUL byte", key)
		}
		if !set {
			if value, set = os.LookupEnv(key); !set {
				continue
			}
		}
		env[key] = value
	}
	out := make([]string, 0, len(env))
	for key, value := range env {
		out = append(out, key+"="+value)
	}
	slices.Sort(out)
	return out, nil
}

func orderEnv(req generate.Request) []string {
	return []string{
		"ATELIER_ORDER_ID=" + req.OrderID,
		"ATTEMPT=" + strconv.Itoa(req.Attempt),
		"ROUND=" + strconv.Itoa(req.Round),
		"OUTPUT_DIR=" + req.OutputDir,
	}
}

// lookPath returns the program that the child itself would find: relative to the
// child's folder, in the child's PATH.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return osexec.LookPath(name)
	}
	i := slices.IndexFunc(env, func(s string) bool { return strings.HasPrefix(s, "PATH=") })
	var err error = osexec.ErrNotFound
	if i >= 0 {
		for _, folder := range filepath.SplitList(strings.TrimPrefix(env[i], "PATH=")) {
			if !filepath.IsAbs(folder) {
				continue // a relative folder could hold a stranger's program
			}
			path, lookErr := osexec.LookPath(filepath.Join(folder, name))
			if lookErr == nil {
				return path, nil
			}
			if errors.Is(lookErr, fs.ErrPermission) {
				err = lookErr
			}
		}
	}
	return "", err
}

func notRunnable(who, name string, err error) *order.Failure {
	f := order.Failf(order.Hold, order.CodeMisconfigured, "cannot run the command of %s, %.200q: %w", who, name, withoutPath(err)).Nothing()
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return f.WithHint("make the file executable (chmod +x), and check that it is not a folder")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, osexec.ErrNotFound):
		return f.WithHint("check that the file exists (a name that begins with ./ is relative to the configuration file), " +
			"and that the interpreter in its first line is installed")
	}
	return f.WithHint("check that the file is a program, or a script with a first line such as #!/bin/sh")
}

// withoutPath returns the error without its path, which the text around it names.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*osexec.Error](err); ok {
		return withoutPath(e.Err)
	}
	return err
}
