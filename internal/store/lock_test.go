package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAFolderHasOneDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if pid := Holder(dir); pid != 0 {
		t.Errorf("an empty folder is held by %d", pid)
	}
	s := openNew(t, Options{Dir: dir})
	_, err := Open(Options{Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second Open: %v, want ErrLocked with the holder and the folder", err)
	}
	if pid := Holder(dir); pid != os.Getpid() {
		t.Errorf("held by %d, want %d", pid, os.Getpid())
	}
	s.Close()
	if pid := Holder(dir); pid != 0 {
		t.Errorf("after Close it is held by %d", pid)
	}
	openNew(t, Options{Dir: dir})
}

// TestTheLockFileNamesASocketThatIsElsewhere guards that commands find the daemon of a
// folder whose path is too long for a socket, and that a start can remove what a crash
// has left.
func TestTheLockFileNamesASocketThatIsElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openNew(t, Options{Dir: dir})
	if pid, socket := Holding(dir); pid != os.Getpid() || socket != "" || s.SocketLeft() != "" {
		t.Errorf("held by %d with the socket %q, and left was %q", pid, socket, s.SocketLeft())
	}
	if err := s.NameSocket("/tmp/elsewhere/control.sock"); err != nil {
		t.Fatal(err)
	}
	if pid, socket := Holding(dir); pid != os.Getpid() || socket != "/tmp/elsewhere/control.sock" {
		t.Errorf("held by %d with the socket %q", pid, socket)
	}
	abandon(t, s)
	if pid, socket := Holding(dir); pid != 0 || socket != "" {
		t.Errorf("a free folder is held by %d with the socket %q", pid, socket)
	}
	s = openNew(t, Options{Dir: dir})
	if left := s.SocketLeft(); left != "/tmp/elsewhere/control.sock" {
		t.Errorf("the earlier daemon has left %q", left)
	}
	if _, socket := Holding(dir); socket != "" {
		t.Errorf("the new daemon is said to be at %q", socket)
	}
}

func TestLookingForTheHolderLetsADaemonStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openNew(t, Options{Dir: dir}).Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Holder(dir)
			}
		}
	})
	for range 200 {
		l, err := takeLock(dir)
		if err != nil {
			t.Errorf("Holder kept a daemon from starting: %v", err)
			break
		}
		l.release()
	}
	close(stop)
	wg.Wait()
}

// childLock keeps the lock of the child from being collected as garbage, which would
// release it.
var childLock *lock

func TestTheLockDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("ATELIERD_TEST_LOCK"); dir != "" {
		var err error
		if childLock, err = takeLock(dir); err != nil {
			os.Exit(3)
		}
		os.Stdout.WriteString("locked\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestTheLockDiesWithItsProcess$")
	child.Env = append(os.Environ(), "ATELIERD_TEST_LOCK="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 7)
	if _, err := out.Read(line); err != nil || string(line) != "locked\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if pid := Holder(dir); pid != child.Process.Pid {
		t.Errorf("held by %d, want the child %d", pid, child.Process.Pid)
	}
	child.Process.Kill()
	child.Wait()
	openNew(t, Options{Dir: dir})
}

// TestAReaderDoesNotDelayAClose guards a stop next to a backup, which reads for long.
func TestAReaderDoesNotDelayAClose(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	paid(t, s, "o1")
	reader := outside(t, dir)
	tx, err := reader.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM orders").Scan(&n); err != nil {
		t.Fatal(err)
	}
	paid(t, s, "o2") // the log is longer than what the reader sees
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the close took %s next to a reader", took)
	}
}
