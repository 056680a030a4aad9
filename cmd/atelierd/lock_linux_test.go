package main_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// lockDatabase keeps other processes from writing until unlock is called, as a program
// of the owner's may do.
func (s *fixture) lockDatabase() (unlock func()) {
	s.t.Helper()
	db := s.openDatabase("")
	conn := must(db.Conn(context.Background()))
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		s.t.Fatal(err)
	}
	return func() { conn.Close(); db.Close() }
}

// A lease that cannot be renewed is no reason to end a program that costs money: nobody
// else can take its work.
func TestALockLongerThanALeaseCutsNoProgram(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", waitingPicture, 0o755)
	s.patiently()
	config := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	s.write("atelierd.toml", strings.Replace(config, "[work]", "[work]\nlease = \"1s\"", 1), 0o600)
	s.place(1)
	c := s.start()
	s.until("the generator was not started", func() bool { return s.exists("began") })
	unlock := s.lockDatabase()
	s.says(c, "leases are not renewed")
	s.lives(c, 2*time.Second)
	s.write("go", "", 0o600)
	unlock()
	s.await(c)
	s.stop(c)
	s.checkOnce()
	if runs := must(os.ReadFile(filepath.Join(s.dir, "runs"))); string(runs) != "run\n" {
		t.Errorf("the generator ran %d times\n%s", strings.Count(string(runs), "run"), c.log.String())
	}
}

func TestAStopWhileTheDatabaseIsLockedSaysSo(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", waitingPicture, 0o755)
	s.place(1)
	c := s.start()
	s.until("the generator was not started", func() bool { return s.exists("began") })
	unlock := s.lockDatabase()
	s.says(c, "write lock; waiting for it")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.ended:
	case <-time.After(patience):
		t.Fatalf("it does not stop\n%s", c.log.String())
	}
	unlock()
	if !strings.Contains(c.log.String(), "stopping while another process holds the database's write lock") {
		t.Errorf("it does not say why it stops without recording its work\n%s", c.log.String())
	}
	s.write("go", "", 0o600)
	again := s.start()
	s.await(again)
	s.stop(again)
	s.checkOnce()
}
