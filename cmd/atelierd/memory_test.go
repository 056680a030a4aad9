//go:build linux

package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOtherProcessesCannotReadTheMemory guards that a generator that runs as the
// daemon's user cannot read the key from the daemon's memory or environment. Linux then
// gives the files of the process to root.
func TestOtherProcessesCannotReadTheMemory(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	own, credential := os.Geteuid(), (*syscall.Credential)(nil)
	if own == 0 { // root reads everything
		own, credential = nobody, &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // as it is, only its owner can enter
		t.Fatal(err)
	}
	file := filepath.Join(dir, "atelierd")
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o755); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(file, "sandbox", "--listen", "127.0.0.1:0")
	daemon.Dir, daemon.SysProcAttr = "/", &syscall.SysProcAttr{Credential: credential}
	stdout, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); credential != nil && errors.Is(err, syscall.EPERM) {
		t.Skipf("this root may not start a process as another user: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer daemon.Wait()
	defer daemon.Process.Kill()
	if !bufio.NewScanner(stdout).Scan() {
		t.Fatal("it says nothing")
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", daemon.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) == own {
		t.Errorf("user %d can read the environment of its process", owner)
	}
}
