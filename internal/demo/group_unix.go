//go:build unix

package demo

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the process in a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
