package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processBegan returns a word that no other process of this or another boot has,
// and reports whether the process is alive. A zombie is not, since it writes
// nothing.
func processBegan(pid int) (began string, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name in parentheses may hold anything, parentheses and spaces too. After
	// it comes the third field, the state. The start time is the 22nd.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	state := fields[0]
	return strings.TrimSpace(string(boot)) + "/" + fields[19], state != "Z" && state != "X"
}

// terminateMembers asks all of a group but its leader to end. The leader is bwrap, which
// would end at once, and its program would be killed without a chance to clean up.
func terminateMembers(leader int) error {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if group, err := syscall.Getpgid(pid); err == nil && group == leader && pid != leader {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended by now
		}
	}
	return nil
}

// awaitExit waits until the program has exited but does not reap it. Its number
// stays taken until Wait is called, so that its group can be killed safely.
func awaitExit(cmd *osexec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
