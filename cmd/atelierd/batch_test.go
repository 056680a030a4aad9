package main_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/term/termtest"
)

// TestABatchApprovesWhatItHasShown has the files of one of two orders made again while the
// owner reads the question.
func TestABatchApprovesWhatItHasShown(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	s.until("it does not run", func() bool { return strings.Contains(daemon.log.String(), "running") })
	shown, changed := s.ordered("a heron at dawn", "Pictures", "held"), s.ordered("a bat at night", "Pictures", "held")
	terminal := termtest.Open(t, 100)
	c := exec.Command(program, "orders", "approve", "--service", "Pictures", "--config", filepath.Join(s.dir, "atelierd.toml"))
	c.Env = s.env
	c.Stdin, c.Stdout, c.Stderr = terminal.File, terminal.File, terminal.File
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Await("This will approve 2 orders.", patience)
	if code, out := s.command("orders", "redo", changed); code != 0 {
		t.Fatal(out)
	}
	s.until("no second take waits", func() bool {
		return s.count("SELECT count(*) FROM takes WHERE order_id = '"+changed+"' AND take = 2") == 1 &&
			s.count("SELECT count(*) FROM orders WHERE id = '"+changed+"' AND state = 'held'") == 1
	})
	if _, err := fmt.Fprintln(terminal.Keys, "yes"); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	text := terminal.Close()
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(text, changed+": nothing was done: the files were made again") {
		t.Errorf("it ended with %d\n%s", code, text)
	}
	s.inState(shown, "delivered")
	if o, _ := s.market.Order(changed); len(o.Deliveries) > 0 {
		t.Errorf("files that were not shown were sent\n%s", text)
	}
	s.stop(daemon)
}
