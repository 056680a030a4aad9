package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// item is a file of a backup as it is read.
type item struct {
	name string // within the backup, with slashes
	mode fs.FileMode
	size int64
	path string // on the disk; empty within a tar
}

// archive is a backup that is read: a folder or a tar file.
type archive interface {
	// walk calls visit with each item in turn. It reads those that are regular files.
	walk(visit func(item, io.Reader) error) error
	close()
}

// open opens a backup for reading.
func open(from string) (archive, error) {
	info, err := os.Stat(from)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return openFolder(from)
	}
	f, _, err := openRegular(from)
	if err != nil {
		return nil, err
	}
	return &tarReader{f}, nil
}

// folderReader reads a folder. No backup changes it meanwhile.
type folderReader struct {
	dir  string
	root *os.Root
	lock *os.File
}

func openFolder(dir string) (archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	id, _, err := openIn(root, idName)
	if err == nil {
		if err = lock(id, false); err != nil {
			id.Close()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no %s, so it is no backup", idName)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &folderReader{dir, root, id}, nil
}

func (f *folderReader) close() {
	f.lock.Close()
	f.root.Close()
}

func (f *folderReader) walk(visit func(item, io.Reader) error) error {
	for _, top := range []string{idName, snapshotsDir, filesDir} {
		err := fs.WalkDir(f.root.FS(), top, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case unfinished(name) && e.IsDir():
				return fs.SkipDir
			case unfinished(name), e.IsDir():
				return nil // the next backup removes what is unfinished
			}
			return f.visit(name, visit)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// unfinished reports whether a file or a snapshot was not finished.
func unfinished(name string) bool {
	parts := strings.Split(name, "/")
	return len(parts) == 2 && strings.HasSuffix(parts[1], partial)
}

func (f *folderReader) visit(name string, visit func(item, io.Reader) error) error {
	path := filepath.FromSlash(name)
	info, err := f.root.Lstat(path)
	if err != nil {
		return visit(item{name: name}, unreadable{err})
	}
	i := item{name, info.Mode(), info.Size(), filepath.Join(f.dir, path)}
	if !info.Mode().IsRegular() {
		return visit(i, bytes.NewReader(nil))
	}
	file, err := f.root.Open(path)
	if err != nil {
		return visit(i, unreadable{err})
	}
	defer file.Close()
	return visit(i, file)
}

// unreadable is a file that cannot be opened. It is one damaged file, and not the end of
// the backup.
type unreadable struct{ error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.error }

// tarReader reads a tar file.
type tarReader struct{ file *os.File }

func (t *tarReader) close() { t.file.Close() }

func (t *tarReader) walk(visit func(item, io.Reader) error) error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for r := tar.NewReader(t.file); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t.rest()
		}
		if err != nil {
			return fmt.Errorf("it is cut off, or not a tar: %w", err)
		}
		if err := visit(item{name: h.Name, mode: h.FileInfo().Mode(), size: h.Size}, r); err != nil {
			return err
		}
	}
}

// rest reads what is behind the end, which is nothing but zeros.
func (t *tarReader) rest() error {
	// The end is two empty blocks. A tar without them is cut off.
	at, err := t.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	end := make([]byte, tarEnd)
	if _, err := t.file.ReadAt(end, max(at-tarEnd, 0)); err != nil || len(bytes.Trim(end, "\x00")) > 0 {
		return errors.Join(errors.New("it is cut off at its end"), err)
	}
	for buf := make([]byte, 64<<10); ; {
		n, err := t.file.Read(buf)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return errors.New("there is something behind its end")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tarEnd is the length of the end of a tar, in bytes.
const tarEnd = 1024
