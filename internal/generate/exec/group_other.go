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
func terminateGroup(*os.Process) error { return errors.ErrUnsupported }

// killGroup kills the process itself. Its children live on.
func killGroup(leader *os.Process) error { return leader.Kill() }
