package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"

	"golang.org/x/sys/unix"
)

// manager is the socket on which systemd listens to a service.
type manager struct {
	path string
	mu   sync.Mutex
	list []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &manager{path: filepath.Join(dir, "s")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.list = append(m.list, string(buf[:n]))
			m.mu.Unlock()
		}
	})
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	return m
}

func (m *manager) messages() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

// all returns the messages with a line that begins so.
func (m *manager) all(line string) (list []string) {
	for _, message := range m.messages() {
		if strings.Contains("\n"+message, "\n"+line) {
			list = append(list, message)
		}
	}
	return list
}

func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano() / 1000
}

func TestSystemdSeesEachStateOfTheDaemon(t *testing.T) {
	t.Parallel()
	s, m := newFixture(t, sandbox.Options{Seed: 1}), newManager(t)
	c := s.start("NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=400000")
	s.until("the daemon did not say that it is ready", func() bool { return len(m.all("READY=1")) == 1 })
	if first := m.messages()[0]; !strings.HasPrefix(first, "STATUS=opening the database\nEXTEND_TIMEOUT_USEC=") {
		t.Errorf("before it opened the database it said %q", first)
	}
	s.until("the watchdog is not fed", func() bool { return len(m.all("WATCHDOG=1")) >= 3 })
	s.until("the status line does not follow", func() bool {
		return slices.ContainsFunc(m.all("STATUS=no order in work; "), func(line string) bool { return strings.Contains(line, "; polled at ") })
	})

	config := must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml")))
	for i, text := range []string{string(config), "not = valid"} {
		s.write("atelierd.toml", text, 0o600)
		before := monotonic()
		if err := c.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.until("a reload did not end", func() bool { return len(m.all("READY=1")) == 2+i })
		said := m.all("RELOADING=1")
		if len(said) != i+1 {
			t.Fatalf("reload %d: it said %q", i, m.messages())
		}
		_, at, _ := strings.Cut(said[i], "MONOTONIC_USEC=")
		at, _, _ = strings.Cut(at, "\n")
		if usec, err := strconv.ParseInt(at, 10, 64); err != nil || usec < before || usec > monotonic() {
			t.Errorf("reload %d: the time is %q, %v", i, at, err)
		}
		if list := m.messages(); slices.Index(list, said[i]) > lastIndex(list, "READY=1") {
			t.Errorf("reload %d: it was ready before it began", i)
		}
	}

	s.stop(c)
	stopping := m.all("STOPPING=1")
	if len(stopping) != 1 || !strings.Contains(stopping[0], "\nSTATUS=stopping") || !strings.Contains(stopping[0], "\nEXTEND_TIMEOUT_USEC=45000000") {
		t.Errorf("at its stop it said %q", stopping)
	}
}

func lastIndex(list []string, text string) int {
	for i, each := range slices.Backward(list) {
		if each == text {
			return i
		}
	}
	return -1
}

func TestTheWatchdogIsNotFedWhileALoopHangs(t *testing.T) {
	t.Parallel()
	s, m := newFixture(t, sandbox.Options{Seed: 1}), newManager(t)
	hang := filepath.Join(s.dir, "hang")
	c := s.start("NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=400000", "ATELIERD_TEST_HANG="+hang, "ATELIERD_TEST_LIMITS=2s")
	s.until("the watchdog is not fed", func() bool { return len(m.all("WATCHDOG=1")) >= 3 })
	s.write("hang", "", 0o600)
	s.until("it does not say that it hangs", func() bool { return len(m.all("STATUS=hangs: ")) > 0 })
	fed := len(m.all("WATCHDOG=1"))
	<-time.After(2 * time.Second) // ten times the time between two
	if more := len(m.all("WATCHDOG=1")) - fed; more > 0 {
		t.Errorf("while it hangs it fed the watchdog %d times\n%q", more, m.messages())
	}
	if err := os.Remove(hang); err != nil {
		t.Fatal(err)
	}
	s.until("the watchdog is not fed after the loop turns again", func() bool { return len(m.all("WATCHDOG=1")) > fed })
	s.stop(c)
}

// confined runs its arguments as a service that denies itself memory that is writable and
// executable, which programs inherit, as a unit with MemoryDenyWriteExecute does.
const confined = `#!/usr/bin/env python3
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
`

// TestDoctorNamesTheDropInForProgramsOfAClosedService guards what an owner is shown whose
// program fails in the service and not in a shell.
func TestDoctorNamesTheDropInForProgramsOfAClosedService(t *testing.T) {
	t.Parallel()
	s := newFixtureWith(t, sandbox.Options{Seed: 1}, programGenerator+"self_check = [\"false\"]\n")
	s.write("confined", confined, 0o755)
	c := s.startBy(filepath.Join(s.dir, "confined"), "INVOCATION_ID=x")
	ended := -1
	s.until("the self-check did not pause the generator", func() bool {
		select {
		case <-c.ended:
			ended = c.ProcessState.ExitCode()
			return true
		default:
			return strings.Contains(c.log.String(), "the generator is paused")
		}
	})
	switch ended {
	case -1:
	case 77, 127:
		t.Skip("this machine has no python3, or its kernel cannot deny such memory")
	default:
		t.Fatalf("the daemon ended with %d\n%s", ended, c.log.String())
	}
	doctor := exec.Command(program, "doctor", "--offline", "--config", filepath.Join(s.dir, "atelierd.toml"))
	doctor.Env = s.env
	out, _ := doctor.CombinedOutput() // the self-check fails here too
	if !strings.Contains(string(out), "warn  systemd: the service denies generator studio") || !strings.Contains(string(out), "install atelierd-exec.conf") {
		t.Errorf("doctor says\n%s", out)
	}
	s.stop(c)
}

// TestTheSignalOfTheWatchdogIsNoExitCode guards the restart after it: the unit does not
// restart after a wrong configuration, which is exit code 2, as Go's after such a signal is.
func TestTheSignalOfTheWatchdogIsNoExitCode(t *testing.T) {
	t.Parallel()
	s, m := newFixture(t, sandbox.Options{Seed: 1}), newManager(t)
	c := s.start("NOTIFY_SOCKET=" + m.path)
	s.until("the daemon did not say that it is ready", func() bool { return len(m.all("READY=1")) == 1 })
	if err := c.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-c.ended
	status, _ := c.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || !strings.Contains(c.log.String(), "goroutine ") {
		t.Errorf("it ended with %s, and its log ends with\n%s", c.ProcessState, c.log.String()[max(0, len(c.log.String())-500):])
	}
}
