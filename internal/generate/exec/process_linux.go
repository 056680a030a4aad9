package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processBegan gives a word that no other process shares, of this boot or any
// other, and whether the process is alive. A zombie is not: it writes nothing.
func processBegan(pid int) (began string, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name in brackets may hold anything, brackets and spaces too. Behind it
	// comes the third field, the state; the start time is the 22nd.
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

// awaitExit waits until the leader has exited, but leaves it unreaped: until
// Wait is called its number stays taken, and its group can be killed safely.
func awaitExit(cmd *osexec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
