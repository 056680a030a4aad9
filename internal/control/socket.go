package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// socketName is the socket's name within its folder.
const socketName = "control.sock"

// maxPath is the longest path of a socket, in bytes. Systems allow 103 to 107.
const maxPath = 100

// PathIn returns where the socket of a data folder is, unless its path is too long or the
// folder's file system has no sockets.
func PathIn(dir string) string { return filepath.Join(dir, socketName) }

// Socket is the listener of a daemon. Its file is removed when it is closed.
type Socket struct {
	net.Listener
	// Path is where the socket is.
	Path string
	made string // the folder that was made for it, or ""
}

// Listen makes the socket of the data folder dir, whose lock the caller holds. It replaces
// one that a dead process has left. Where the folder cannot have it, the socket is made
// in a new private folder, and the caller says where.
func Listen(ctx context.Context, dir string) (*Socket, error) {
	path := PathIn(dir)
	err := errors.New("the path of the data folder is too long for a socket")
	if len(path) <= maxPath {
		var s *Socket
		if s, err = listen(ctx, path); err == nil {
			return s, nil
		}
	}
	made, tempErr := os.MkdirTemp(tempDir(), "atelierd-")
	if tempErr != nil {
		return nil, errors.Join(err, tempErr)
	}
	s, tempErr := listen(ctx, filepath.Join(made, socketName))
	if tempErr != nil {
		return nil, errors.Join(err, tempErr, os.Remove(made))
	}
	s.made = made
	return s, nil
}

// tempDir returns the system's folder for temporary files, or /tmp where the path of a
// socket in there would be too long as well.
func tempDir() string {
	dir := os.TempDir()
	if len(PathIn(filepath.Join(dir, "atelierd-4294967295"))) > maxPath && filepath.Separator == '/' {
		return "/tmp"
	}
	return dir
}

func listen(ctx context.Context, path string) (*Socket, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{Control: private}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &Socket{Listener: l, Path: path}, nil
}

// removeStale removes the socket at path, and nothing else that is there.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir() || info.Mode().IsRegular():
		return fmt.Errorf("%s is in the way of the control socket", path)
	}
	return os.Remove(path)
}

// Close closes the listener and removes what Listen has made.
func (s *Socket) Close() error {
	err := s.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // its server has closed it
	}
	if s.made != "" {
		_ = os.Remove(s.Path) // usually the listener has removed it
		err = errors.Join(err, os.Remove(s.made))
		s.made = ""
	}
	return err
}

// Forget removes the private folder of a socket that a dead process has left. path is
// what that process has said; a socket in a data folder stays for Listen to replace.
func Forget(path, dir string) {
	if filepath.Base(path) != socketName || path == PathIn(dir) || removeStale(path) != nil {
		return
	}
	_ = os.Remove(filepath.Dir(path)) // it fails if anything else is in there
}
