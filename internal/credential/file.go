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

// maxFile is far beyond any file of credentials.
const maxFile = 64 << 10

// readFile reads an ordinary file of at most maxFile bytes. exists is false only
// when there is truly nothing at path.
func readFile(path string) (data []byte, mode fs.FileMode, exists bool, err error) {
	// Without O_NONBLOCK a named pipe would hang here before it can be refused.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, 0, false, nil
		}
		return nil, 0, true, failf("mend the link, or remove it", "%s is a link to a file that does not exist", path)
	}
	if err != nil {
		return nil, 0, true, failf("make it readable for this user, or move it away", "cannot read the credentials: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, true, failf("", "cannot read the credentials: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, true, failf("move it away, or name another file", "%s is not an ordinary file", path)
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, true, failf("", "cannot read the credentials: %w", err)
	}
	if len(data) > maxFile {
		return nil, 0, true, failf("move it away, or name another file", "%s is larger than %d bytes", path, maxFile)
	}
	return data, info.Mode().Perm(), true, nil
}

// stamp tells versions of a file apart.
func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "-"
	}
	return fmt.Sprintf("%d %d %d %v", inode(info), info.Size(), info.ModTime().UnixNano(), info.Mode())
}

// replaceFile writes a file for this user alone, so that after a crash there is
// either the old one or the new one, whole.
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

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
