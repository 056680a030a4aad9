//go:build !windows

package disk

import (
	"errors"
	"syscall"
)

// IsFull reports whether err means that the file system has no room left.
func IsFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }
