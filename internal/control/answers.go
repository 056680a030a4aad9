package control

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"time"
)

// answersWithin is how long a connection to a socket may take.
const answersWithin = time.Second

// Answers reports whether a process listens at the socket at path. known is false if that
// cannot be found out, such as for a socket of another user.
func Answers(ctx context.Context, path string) (answers, known bool) {
	if !filepath.IsAbs(path) || filepath.Base(path) != socketName {
		return false, false
	}
	c, err := (&net.Dialer{Timeout: answersWithin}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = c.Close()
		return true, true
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return false, true
	}
	return false, false
}
