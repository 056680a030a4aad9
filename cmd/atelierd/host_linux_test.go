package main_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"

	"golang.org/x/sys/unix"
)

// What this machine lacks, and what happens to the log, is not the orders' fault. These
// tests run the real program with full disks, few descriptors, readers of the log that
// end or do not read, and signals.

// waitingPicture is makePicture that makes its file, creates the file began, and then
// waits until the test creates the file go. It adds a line to the file runs.
const waitingPicture = makePicture + `
echo run >> "$HOME/runs"
touch "$HOME/began"
while [ ! -e "$HOME/go" ]; do sleep 0.05; done
`

func (s *fixture) exists(name string) bool {
	_, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil
}

// patiently sets a long drain time, because a busy machine may need it.
func (s *fixture) patiently() {
	s.t.Helper()
	config := must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml")))
	s.write("atelierd.toml", strings.Replace(string(config), `drain = "5s"`, `drain = "10m"`, 1), 0o600)
}

// startLogging runs the daemon with a log that goes to a small pipe. The test reads it,
// or does not.
func (s *fixture) startLogging() (c *child, log *os.File) {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Close()
	s.t.Cleanup(func() { r.Close() })
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		s.t.Fatal(err)
	}
	c = &child{Cmd: exec.Command(program, "run", "--config", filepath.Join(s.dir, "atelierd.toml"), "--log-level", "debug")}
	c.Env, c.Stderr = slices.Clone(s.env), w
	return s.launch(c), r
}

// awaitUnread is await for a daemon whose log nobody reads.
func (s *fixture) awaitUnread(c *child) {
	s.t.Helper()
	s.until("not everything was delivered", func() bool {
		select {
		case <-c.ended:
			s.t.Fatalf("the daemon ended: %s", c.ProcessState)
		default:
		}
		return s.exists("data/atelierd.db") && s.settled()
	})
}

func TestALostReaderOfTheLogStopsNothing(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	c, log := s.startLogging()
	if _, err := log.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	log.Close()
	s.place(3)
	s.awaitUnread(c)
	s.stop(c)
	s.checkOnce()
}

func TestADebugLogThatNobodyReadsBlocksNoWork(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	c, _ := s.startLogging()
	s.place(3)
	s.awaitUnread(c)
	s.stop(c)
	s.checkOnce()
}

// TestSIGHUPReadsTheConfigurationAndCutsNoWork guards a daemon whose terminal closes, which
// sends the signal twice, and the reload by a signal: the file is used, and work goes on.
func TestSIGHUPReadsTheConfigurationAndCutsNoWork(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", waitingPicture, 0o755)
	s.patiently()
	s.place(1)
	// A process that catches the signal starts children that do not ignore it, also
	// under nohup.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	c := s.start()
	s.until("the generator was not started", func() bool { return s.exists("began") })
	for n := range 2 {
		if err := c.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.until("the daemon did not read its configuration again", func() bool {
			return strings.Count(c.log.String(), "the configuration was read again") > n
		})
	}
	s.write("go", "", 0o600)
	s.await(c)
	s.stop(c)
	s.checkOnce()
	if n := s.count("SELECT count(*) FROM attempts WHERE stage = 'generate'"); n != 1 {
		t.Errorf("the work was begun %d times\n%s", n, c.log.String())
	}
}

// smallDisk puts the data folder on a disk of its own.
func (s *fixture) smallDisk() {
	s.t.Helper()
	if !s.mount(filepath.Join(s.dir, "data")) {
		s.t.Skip("only a user who may mount can fill a disk")
	}
}

// mount makes a folder that is a small disk, and reports whether the user may do that.
func (s *fixture) mount(dir string) bool {
	s.t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := unix.Mount("atelierd-test", dir, "tmpfs", 0, "size=140m,mode=0700"); err != nil {
		s.t.Logf("no disk of its own: %v", err)
		return false
	}
	s.t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			s.t.Errorf("unmount: %v", err)
		}
	})
	return true
}

// fill fills the disk until the returned function makes room. It may be called again to
// fill what was freed meanwhile.
func (s *fixture) fill() (room func()) {
	s.t.Helper()
	name := filepath.Join(s.dir, "data", "filler")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			s.t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			s.t.Error(err)
		}
	}
}

// says waits until the daemon has logged the text.
func (s *fixture) says(c *child, text string) {
	s.t.Helper()
	s.until("the log does not say: "+text, func() bool {
		select {
		case <-c.ended:
			s.t.Fatalf("the daemon ended: %s\n%s", c.ProcessState, c.log.String())
		default:
		}
		return strings.Contains(c.log.String(), text)
	})
}

func TestADiskThatFillsWhileAGeneratorRunsLosesNothing(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.smallDisk()
	s.write("make-picture", waitingPicture, 0o755)
	s.patiently()
	s.place(1)
	c := s.start()
	s.until("the generator was not started", func() bool { return s.exists("began") })
	s.fill()
	s.write("go", "", 0o600)
	s.says(c, "stage=generate") // the result takes the room that was kept for it
	room := s.fill()
	s.says(c, "poll failed")
	status := exec.Command(program, "status", "--config", filepath.Join(s.dir, "atelierd.toml"))
	status.Env = s.env
	if out, err := status.CombinedOutput(); err != nil || !strings.Contains(string(out), "make room") {
		t.Errorf("status does not ask for room: %v\n%s", err, out)
	}
	room()
	s.await(c)
	s.stop(c)
	s.checkOnce()
	if runs := must(os.ReadFile(filepath.Join(s.dir, "runs"))); string(runs) != "run\n" {
		t.Errorf("the generator ran %d times\n%s", strings.Count(string(runs), "run"), c.log.String())
	}
	if n := s.count("SELECT count(*) FROM attempts WHERE attempt > 1 OR outcome IN ('retry', 'hold', 'fail')"); n != 0 {
		t.Errorf("the full disk has used %d attempts\n%s", n, c.log.String())
	}
}

func TestAStartOnAFullDiskWaitsForRoom(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.smallDisk()
	room := s.fill()
	s.place(1)
	c := s.start()
	s.says(c, "the start waits")
	room()
	s.await(c)
	s.stop(c)
	s.checkOnce()
}

func TestFewDescriptorsUseNoAttempt(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1, Window: time.Second})
	s.place(12)
	c := &child{Cmd: exec.Command("sh", "-c", `ulimit -n 24; exec "$@"`, "sh", program, "run", "--config", filepath.Join(s.dir, "atelierd.toml"), "--log-format", "text")}
	c.Env, c.Stdout, c.Stderr = slices.Clone(s.env), &c.log, &c.log
	s.launch(c)
	s.says(c, "too many open files")
	s.until("the orders do not get far", func() bool {
		return s.settled() || s.count("SELECT count(*) FROM attempts WHERE code = 'no_descriptors'") > 12
	})
	s.stop(c)
	again := s.start()
	s.await(again)
	s.stop(again)
	s.checkOnce()
	if n := s.count("SELECT count(*) FROM attempts WHERE attempt > 1 OR outcome IN ('hold', 'fail')"); n != 0 {
		t.Errorf("the lack has used %d attempts\n%s", n, c.log.String())
	}
}
