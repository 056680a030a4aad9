//go:build !linux

package exec

import osexec "os/exec"

// processBegan is unknown here, so KillOrphan leaves orphans alone.
func processBegan(int) (began string, alive bool) { return "", false }

// terminateMembers asks the whole group to end: there is no bwrap here.
func terminateMembers(leader int) error { return terminateGroup(leader) }

// awaitExit waits until the program has exited. The process is reaped here, so a
// child that holds a pipe open can delay the end by drainTime.
func awaitExit(cmd *osexec.Cmd) { _ = cmd.Wait() }
