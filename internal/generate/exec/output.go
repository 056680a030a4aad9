package exec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// maxEntries is the most entries of an output folder that are listed.
const maxEntries = 1000

// collect returns the absolute paths of the files that a run made: those that the
// manifest names, or else all visible files of dir in name order. A name with a
// secret in it is refused, because it would be stored and delivered.
func collect(dir string, m manifest, redact *secret.Redactor) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "the output folder is gone: %w", withoutPath(err))
	}
	defer root.Close()

	names := make([]string, 0, len(m.Files))
	for _, path := range m.Files {
		name, ok := inside(dir, path)
		if !ok {
			return nil, fmt.Errorf("the manifest names %.100q, which is outside the output folder", redact.Clean(path))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if m.Files == nil && m.URL == "" {
		if names, err = visible(root); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 && m.URL == "" {
		return nil, order.Failf(order.Hold, order.CodeNoOutput, "the generator made nothing").
			WithHint("let it write files to $OUTPUT_DIR, or name them in a manifest on stdout, then run %s", order.Command("orders retry", order.AnyOrder))
	}
	if len(names) > generate.MaxFiles {
		return nil, fmt.Errorf("the generator made %d files, at most %d are accepted", len(names), generate.MaxFiles)
	}
	files := make([]string, len(names))
	for i, name := range names {
		if redact.Finds(name) {
			return nil, holdsSecret(fmt.Sprintf("the name of the output %.100q", redact.Clean(name)))
		}
		if err := checkFile(root, name); err != nil {
			return nil, err
		}
		files[i] = filepath.Join(dir, name)
	}
	return files, nil
}

// orFolder returns a manifest without its names if none of them is there and the folder
// holds other files. The program made these, and the names are a flaw.
func (m manifest) orFolder(dir string) manifest {
	root, err := os.OpenRoot(dir)
	if err != nil || len(m.Files) == 0 {
		return m // collect says what is wrong
	}
	defer root.Close()
	for _, path := range m.Files {
		if name, ok := inside(dir, path); ok {
			if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				return m
			}
		}
	}
	if names, err := visible(root); err == nil && len(names) > 0 {
		m.Files, m.Flaws = nil, append(m.Flaws, "the manifest names no file of the output folder, so all files in it count")
	}
	return m
}

// makeFolder creates the output folder unless it is there, and opens it. While it is
// open, no other folder can get its number. A link in its place is refused: it could
// lead to files of other orders.
func makeFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot create the output folder: %w", err).Nothing()
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "the output folder is gone: %w", withoutPath(err)).Nothing()
	case !info.IsDir():
		return nil, notAFolder(info).Nothing()
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot open the output folder: %w", withoutPath(err)).Nothing()
	}
	return f, nil
}

func notAFolder(info fs.FileInfo) *order.Failure {
	return order.Failf(order.Hold, order.CodeBadOutput, "the output folder is %s, not a folder", kindOf(info.Mode())).
		WithHint("find out which program replaced it, then %s", order.Command("orders redo", order.AnyOrder))
}

// replaced returns an error unless dir is still the folder that the run began with.
func replaced(dir string, began *os.File) error {
	before, err := began.Stat()
	if err != nil {
		return order.Failf(order.Retry, order.CodeOutputDir, "cannot look at the output folder: %w", withoutPath(err))
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return order.Failf(order.Retry, order.CodeOutputDir, "the output folder is gone: %w", withoutPath(err))
	case !info.IsDir():
		return notAFolder(info)
	case !os.SameFile(info, before):
		return order.Failf(order.Hold, order.CodeBadOutput, "the output folder was replaced by another").
			WithHint("let the program write into $OUTPUT_DIR and leave the folder itself alone, then %s", order.Command("orders redo", order.AnyOrder))
	}
	return nil
}

// inside returns a path of the manifest, which may be relative to dir or absolute
// inside it, as a local name. It is not ok when the path leads out of dir.
func inside(dir, path string) (name string, ok bool) {
	name = path
	if filepath.IsAbs(path) {
		for _, base := range []string{dir, resolved(dir)} {
			if rel, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(rel) {
				name = rel
				break
			}
		}
	}
	name = filepath.Clean(name)
	return name, path != "" && !strings.ContainsRune(path, 0) && filepath.IsLocal(name)
}

// resolved returns dir as a program sees it that resolves symbolic links.
func resolved(dir string) string {
	if r, err := filepath.EvalSymlinks(dir); err == nil {
		return r
	}
	return dir
}

// visible returns the names that count when there is no manifest. Folders are
// scratch space. Links and devices are listed too, so that they are an error.
func visible(root *os.Root) ([]string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot list the output folder: %w", withoutPath(err))
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot list the output folder: %w", withoutPath(err))
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("the output folder holds more than %d entries", maxEntries)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// checkFile returns an error unless name is a readable regular file of a valid
// size, and no part of its path is a symbolic link. It opens nothing that could
// block.
func checkFile(root *os.Root, name string) error {
	for i := range len(name) {
		if name[i] != filepath.Separator {
			continue
		}
		if st, err := root.Lstat(name[:i]); err != nil || !st.IsDir() {
			return fmt.Errorf("the path of the output %.100q is not made of folders", name)
		}
	}
	st, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the output %.100q does not exist", name)
	case err != nil:
		return fmt.Errorf("the output %.100q cannot be examined: %w", name, withoutPath(err))
	case !st.Mode().IsRegular():
		return fmt.Errorf("the output %.100q is %s, not a file", name, kindOf(st.Mode()))
	case st.Size() == 0:
		return fmt.Errorf("the output %.100q is empty", name)
	case st.Size() > generate.MaxFileBytes:
		return fmt.Errorf("the output %.100q has %d bytes, at most %d are accepted", name, st.Size(), generate.MaxFileBytes)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|safeOpen, 0)
	if err != nil {
		return fmt.Errorf("the output %.100q cannot be read: %w", name, withoutPath(err))
	}
	return f.Close()
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
