// Package filelock locks open files between processes. The kernel releases a lock when its
// process ends, however it ends.
//
// It must not know what the locks are for.
package filelock

import "errors"

// ErrHeld says that another process holds the lock on a file.
var ErrHeld = errors.New("the file is locked")
