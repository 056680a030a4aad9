package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// Folder is a folder that a web server publishes. It must exist and is never created, so that
// nothing is written below a mount point whose disk is not mounted.
type Folder struct {
	Path string
}

// filesMode lets the web server read, which runs as another user.
const filesMode = 0o644

// Put implements Backend. The file appears under its key only when it is whole and on the
// disk.
func (d Folder) Put(ctx context.Context, f File) error {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return d.failed(err)
	}
	defer root.Close()
	part := partOf(f.Key)
	err = d.write(ctx, root, part, f)
	if err == nil {
		err = root.Rename(part, f.Key)
	}
	if err != nil {
		_ = root.Remove(part)
		return d.failed(err)
	}
	return d.failed(syncFolder(root))
}

// partOf is the name of a file that is not whole yet.
func partOf(key string) string { return "." + key + ".part" }

func (d Folder) write(ctx context.Context, root *os.Root, part string, f File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(part, os.O_CREATE|os.O_RDWR|os.O_TRUNC, filesMode)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, &stoppable{ctx, in}); err != nil {
		return err
	}
	if runtime.GOOS != "windows" {
		if err := out.Chmod(filesMode); err != nil { // whatever the umask is
			return err
		}
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, out); err != nil {
		return err
	}
	if !is(sum, f.SHA256) {
		return errors.New("what was read back is not what was written")
	}
	return out.Close()
}

func is(sum hash.Hash, want string) bool { return hex.EncodeToString(sum.Sum(nil)) == want }

// Remove implements Backend.
func (d Folder) Remove(_ context.Context, key string) error {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return d.failed(err)
	}
	defer root.Close()
	for _, name := range []string{key, partOf(key)} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d.failed(err)
		}
	}
	return nil
}

func (d Folder) failed(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Err: fmt.Errorf("the folder %s: %w", d.Path, err)}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Hint, e.lasting = "let the daemon's user write in "+d.Path, true
	case errors.Is(err, fs.ErrNotExist):
		e.Hint, e.lasting = "create "+d.Path+", or mount its disk", true
	}
	return e
}

// syncFolder makes a rename durable. Windows cannot sync a folder.
func syncFolder(root *os.Root) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// stoppable ends a copy when ctx ends.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}
