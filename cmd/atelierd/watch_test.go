package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
	"atelierd/internal/term/termtest"
)

// TestStatusWatchFollowsTheDaemonUntilCtrlC guards that an open status shows what
// happens, also that the daemon ends, and leaves the last page on the terminal.
func TestStatusWatchFollowsTheDaemonUntilCtrlC(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{})
	daemon := s.start()
	s.until("the daemon does not run", func() bool { return strings.Contains(daemon.log.String(), "running") })
	terminal := termtest.Open(t, 80)
	c := exec.Command(program, "status", "--watch", "--config", filepath.Join(s.dir, "atelierd.toml"))
	c.Env = append(slices.Clone(s.env), "TERM=xterm", "NO_COLOR=1")
	c.Stdin, c.Stdout, c.Stderr = terminal.File, terminal.File, terminal.File
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Await("as of ", patience)
	s.place(1)
	terminal.Await("1 delivered", patience)
	daemon.kill()
	terminal.Await("not running", patience)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	shown := terminal.Close()
	_, left, ended := strings.Cut(shown, "\x1b[?1049l")
	if err != nil || !ended || !strings.Contains(left, "not running") || strings.Contains(left, "\x1b[H") {
		t.Errorf("%v; on the terminal it left %q", err, left)
	}
}
