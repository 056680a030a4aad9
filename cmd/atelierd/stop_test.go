package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// holdPicture is a generator that never ends by itself.
const holdPicture = "#!/bin/sh\ntouch \"$HOME/began\"\nexec sleep 600\n"

func TestASecondSignalStopsAtOnceAndTheWorkGoesBack(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", holdPicture, 0o755)
	config := must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml")))
	s.write("atelierd.toml", strings.Replace(string(config), `drain = "5s"`, `drain = "10m"`, 1), 0o600)
	s.place(1)
	c := s.start()
	s.until("the generator was not started", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "began"))
		return err == nil
	})
	for range 2 {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.until("the daemon did not say that it stops", func() bool { // two signals at the same moment are one
			return strings.Contains(c.log.String(), "stopping")
		})
	}
	select {
	case <-c.ended:
	case <-time.After(patience):
		t.Fatalf("it drains in spite of the second signal\n%s", c.log.String())
	}
	for _, want := range []string{"running=", "a second ctrl-c", "still running", "stage=generate"} {
		if !strings.Contains(c.log.String(), want) {
			t.Errorf("the owner is not shown %q\n%s", want, c.log.String())
		}
	}
	if code := c.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d\n%s", code, c.log.String())
	}
	if n := s.count("SELECT count(*) FROM jobs WHERE stage = 'generate' AND state = 'ready' AND attempt = 0"); n != 1 {
		t.Errorf("the job did not go back uncounted\n%s", s.unsettled())
	}

	s.write("make-picture", makePicture, 0o755)
	again := s.start()
	s.await(again)
	s.stop(again)
	s.checkOnce()
}

// A stop is no failure, also for a daemon that has not started yet: it waits for the
// marketplace, to register.
func TestAStopDuringTheStartIsNoFailure(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	config := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	config = strings.Replace(config, "an agent that is killed a lot", "an agent that is stopped before it has an account", 1)
	s.write("atelierd.toml", strings.ReplaceAll(config, s.url, "http://127.0.0.1:9"), 0o600)
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "ATELIER_") })
	c := s.start()
	s.until("the daemon does not wait for the marketplace", func() bool { return strings.Contains(c.log.String(), "to register") })
	s.stop(c)
}
