//go:build !unix

package exec

import (
	"errors"
	"os"
	"syscall"
)

// safeOpen adds nothing here: whether the path is a link was looked at before.
const safeOpen = 0

// newGroup makes no group here.
func newGroup() *syscall.SysProcAttr { return nil }

// terminateGroup fails here, because a program cannot be asked to end.
func terminateGroup(int) error { return errors.ErrUnsupported }

// killGroup kills the process itself. Its children live on.
func killGroup(leader int) error {
	p, err := os.FindProcess(leader)
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }() // the handle is of no more use
	return p.Kill()
}
