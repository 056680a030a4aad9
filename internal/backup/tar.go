package backup

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// tarFile is a backup in a tar file: one snapshot with all its files.
type tarFile struct {
	path string
	file *os.File // of the unfinished tar
	w    *tar.Writer
	at   time.Time
	has  map[string]bool // contents, by sum
}

// newTar opens the unfinished tar. One that an earlier backup has left is overwritten.
func newTar(o Options) (target, error) {
	if info, err := os.Lstat(o.To); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is there, and is not a regular file")
	}
	f, err := os.OpenFile(o.To+partial, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f, true); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	t := &tarFile{path: o.To, file: f, w: tar.NewWriter(f), has: map[string]bool{}}
	if err := errors.Join(f.Truncate(0), f.Chmod(0o600), t.removeLedger()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

// ledgerPath is next to the tar, whose entries need their size first.
func (t *tarFile) ledgerPath() string { return t.path + ".ledger" + partial }

func (t *tarFile) removeLedger() error {
	if err := os.Remove(t.ledgerPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (t *tarFile) begin(ledger string, at time.Time) (string, error) {
	t.at = at
	id := identity{format, ledger}.text()
	if err := t.header(idName, 0o600, int64(len(id))); err != nil {
		return "", err
	}
	_, err := t.w.Write(id)
	return at.Format(nameLayout), err
}

func (t *tarFile) header(name string, mode os.FileMode, size int64) error {
	return t.w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode), Size: size, ModTime: t.at, Format: tar.FormatPAX})
}

func (t *tarFile) holds(sum string, _ int64, _ reading) bool { return t.has[sum] }

// content reads the file twice, because its name is its sum.
func (t *tarFile) content(from io.ReadSeeker, size int64) (string, error) {
	sum, err := sumOf(from)
	if err != nil || t.has[sum] {
		return sum, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	again, err := t.entry(contentName(sum), 0o600, from, size)
	if err == nil && again != sum {
		err = errChanged
	}
	t.has[sum] = err == nil
	return sum, err
}

var errChanged = errors.New("the file was changed while it was copied; run the backup again")

func (t *tarFile) named(name string, mode os.FileMode, from io.Reader, size int64) (string, error) {
	return t.entry(path.Join(snapshotsDir, t.at.Format(nameLayout), name), mode, from, size)
}

// entry writes a file to the tar. One that cannot be read to its end leaves no entry.
func (t *tarFile) entry(name string, mode os.FileMode, from io.Reader, size int64) (string, error) {
	if err := t.w.Flush(); err != nil {
		return "", err
	}
	start, err := t.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", err
	}
	if err := t.header(name, mode, size); err != nil {
		return "", err
	}
	sum, err := sumOf(io.TeeReader(from, t.w))
	if _, is := errors.AsType[*sourceError](err); is {
		_, undo := t.file.Seek(start, io.SeekStart)
		undo = errors.Join(undo, t.file.Truncate(start))
		if t.w = tar.NewWriter(t.file); undo != nil {
			return "", undo
		}
		return "", err
	}
	if errors.Is(err, tar.ErrWriteTooLong) {
		err = errChanged
	}
	if err == nil {
		if err = t.w.Flush(); err != nil { // less than its header says
			err = fmt.Errorf("%w (%w)", errChanged, err)
		}
	}
	return sum, err
}

func (t *tarFile) finish() error {
	if err := errors.Join(t.w.Close(), t.file.Sync()); err != nil {
		return err
	}
	if err := errors.Join(t.file.Close(), t.removeLedger(), os.Rename(t.path+partial, t.path)); err != nil {
		return err
	}
	syncFolder(filepath.Dir(t.path))
	return nil
}

func (t *tarFile) prune(int) ([]string, error) { return nil, nil }

func (t *tarFile) end() error { return nil }

func (t *tarFile) abort() {
	t.file.Close()
	_ = os.Remove(t.path + partial) // the next backup overwrites what stays
	_ = t.removeLedger()
}
