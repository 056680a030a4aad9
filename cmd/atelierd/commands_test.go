package main_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// TestFiftyCommandsAtOnceHaveTheSameResultWithAndWithoutADaemon guards that a command never
// fails because something else writes, and that each is carried out once.
func TestFiftyCommandsAtOnceHaveTheSameResultWithAndWithoutADaemon(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1, Window: time.Second})
	s.place(20)
	c := s.start()
	s.until("no order was delivered\n", func() bool {
		return strings.Contains(c.log.String(), "running") && s.count("SELECT count(*) FROM orders WHERE state = 'delivered'") > 0
	})
	s.fiftyMessages("busy") // the other orders are being worked on
	for _, bad := range []string{"SQLITE_BUSY", "database is locked", "write lock"} {
		if strings.Contains(c.log.String(), bad) {
			t.Errorf("the daemon met %q\n%s", bad, c.log.String())
		}
	}
	s.await(c)
	s.until("not every message was sent", func() bool {
		return s.count("SELECT count(*) FROM outbox WHERE body LIKE 'busy %' AND state = 'sent'") == 50
	})
	s.stop(c)
	s.fiftyMessages("down")
	s.checkOnce()
}

// fiftyMessages writes 50 messages to one client, each by a process of its own and all at
// the same time.
func (s *fixture) fiftyMessages(word string) {
	s.t.Helper()
	db := s.openDatabase("mode=ro")
	defer db.Close()
	var id string
	if err := db.QueryRow("SELECT id FROM orders WHERE state = 'delivered' ORDER BY id LIMIT 1").Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	for n := range 50 {
		running.Go(func() {
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(program, "messages", id, "--send", fmt.Sprint(word, " ", n), "--config", filepath.Join(s.dir, "atelierd.toml"))
			cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &stdout, &stderr
			if err := cmd.Run(); err != nil || stderr.Len() > 0 || !strings.HasPrefix(stdout.String(), "order "+id) {
				s.t.Errorf("command %d: %v\n%s%s", n, err, stdout.String(), stderr.String())
			}
		})
	}
	running.Wait()
	if n := s.count(fmt.Sprintf("SELECT count(DISTINCT body) FROM outbox WHERE body LIKE '%s %%'", word)); n != 50 {
		s.t.Errorf("%s: %d messages are in the outbox, want 50", word, n)
	}
	want := map[string]int{"busy": 50, "down": 100}[word]
	if n := s.count("SELECT count(*) FROM events WHERE kind = 'owner' AND actor LIKE 'cli:%'"); n != want {
		s.t.Errorf("%s: %d events name who acted, want %d", word, n, want)
	}
}
