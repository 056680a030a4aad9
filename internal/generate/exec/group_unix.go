//go:build unix

package exec

import "syscall"

// safeOpen are the flags that open a path without following a link and without
// waiting for the other end of a pipe.
const safeOpen = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// newGroup starts a process in its own group, so that its children can be killed with
// it.
func newGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// terminateGroup asks the group of the leader to end.
func terminateGroup(leader int) error { return syscall.Kill(-leader, syscall.SIGTERM) }

// killGroup kills the group of the leader.
func killGroup(leader int) error { return syscall.Kill(-leader, syscall.SIGKILL) }
