//go:build unix

package exec

import (
	"os"
	"syscall"
)

// safeOpen are the flags that open a path without following a link and without
// waiting for the other end of a pipe.
const safeOpen = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// newGroup gives a process its own group, so that its children can be killed
// with it.
func newGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// terminateGroup asks the group of the leader to end.
func terminateGroup(leader *os.Process) error { return syscall.Kill(-leader.Pid, syscall.SIGTERM) }

// killGroup kills the group of the leader.
func killGroup(leader *os.Process) error { return syscall.Kill(-leader.Pid, syscall.SIGKILL) }
