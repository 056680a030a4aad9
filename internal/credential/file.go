package credential

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxFile is far more than any file of credentials needs.
const maxFile = 64 << 10

// readFile reads a regular file of at most maxFile bytes. Its error is
// fs.ErrNotExist only if nothing exists at path, else an *Error.
func readFile(path string) (data []byte, mode fs.FileMode, err error) {
	// Opening a named pipe without O_NONBLOCK would block here.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, 0, fs.ErrNotExist
		}
		return nil, 0, failf("fix the link "+path+", or remove it", "%s is a link to a file that does not exist", path)
	}
	if err != nil {
		return nil, 0, failf("make "+path+" readable for this user, or move it away", "cannot read the credentials: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, failf("", "cannot read the credentials: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, failf("move "+path+" away, or name another file", "%s is not a regular file", path)
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, failf("", "cannot read the credentials: %w", err)
	}
	if len(data) > maxFile {
		return nil, 0, failf("move "+path+" away, or name another file", "%s is larger than %d bytes", path, maxFile)
	}
	return data, info.Mode().Perm(), nil
}

// stamp differs between versions of a file.
func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "-"
	}
	return fmt.Sprintf("%d %d %d %v", inode(info), info.Size(), info.ModTime().UnixNano(), info.Mode())
}

// replaceFile writes a file that only this user can read. After a crash either the
// old or the new file is there, complete.
func replaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := writeAndSync(f, data); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func writeAndSync(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
