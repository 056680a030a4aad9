package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"atelierd/internal/order"
)

// isFull reports whether err means that the disk is full.
func isFull(err error) bool { return hasCode(err, sqlite3.SQLITE_FULL) }

// told is a log handler that calls a function for each record.
type told struct {
	slog.Handler
	records chan string
}

func (h told) Enabled(context.Context, slog.Level) bool { return true }

func (h told) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.records <- r.Message
	}
	return nil
}

// TestAnOpenDoesNotWaitForAnotherProgramsTransaction guards that many commands at once are
// not in the way of each other before they have anything to write.
func TestAnOpenDoesNotWaitForAnotherProgramsTransaction(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	shell := outside(t, s.dir)
	mustExec(t, shell, "BEGIN IMMEDIATE")
	o, err := OpenOwner(s.dir, "cli:test")
	if err != nil {
		t.Fatalf("open while another program writes: %v", err)
	}
	o.Close()
	mustExec(t, shell, "ROLLBACK")
}

func TestAWriteWaitsForAnotherProgramsTransaction(t *testing.T) {
	t.Parallel()
	records := make(chan string, 10)
	s := openNew(t, Options{Log: slog.New(told{slog.DiscardHandler, records})})
	// So that the wait outlasts the busy timeout at once.
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	shell := outside(t, s.dir)
	mustExec(t, shell, "BEGIN IMMEDIATE")
	mustExec(t, shell, "INSERT INTO facts VALUES ('theirs', 'x', '2026-11-23T15:04:05.000Z')")
	written := make(chan error, 1)
	go func() { written <- s.SetFact("ours", "x") }()
	select {
	case err := <-written:
		t.Fatalf("the write ended under another's lock: %v", err)
	case text := <-records:
		if !strings.Contains(text, "another process holds") {
			t.Errorf("logged %q", text)
		}
	}
	if got, err := s.Fact(t.Context(), "theirs"); err != nil || got != "" {
		t.Errorf("a reader sees %q of an open transaction, %v", got, err)
	}
	mustExec(t, shell, "COMMIT")
	if err := <-written; err != nil {
		t.Fatalf("the write that had waited: %v", err)
	}
	if n := scan[int](t, shell, "SELECT count(*) FROM facts"); n != 2 {
		t.Errorf("%d facts, want theirs and ours", n)
	}
	if len(records) != 0 {
		t.Errorf("logged more than once: %s", <-records)
	}
}

// TestAStopUnderAnotherProgramsLockSaysSo guards that the owner learns why the last
// writes of a stop were not made.
func TestAStopUnderAnotherProgramsLockSaysSo(t *testing.T) {
	t.Parallel()
	records := make(chan string, 10)
	s := openNew(t, Options{Log: slog.New(told{slog.DiscardHandler, records})})
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	shell := outside(t, s.dir)
	mustExec(t, shell, "BEGIN IMMEDIATE")
	written := make(chan error, 1)
	go func() { written <- s.SetFact("ours", "x") }()
	<-records // it waits
	s.Close()
	if err := <-written; !isBusy(err) {
		t.Errorf("the write ended with %v", err)
	}
	if text := <-records; !strings.Contains(text, "stopping while another process holds") {
		t.Errorf("logged %q", text)
	}
}

func TestAFullDiskLosesNothingAndIsRecoveredFrom(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1", "o2")
	j := take(t, s, order.LaneGenerate)
	limit := func(pages int) {
		t.Helper()
		if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite takes it as the present size
	filler := strings.Repeat("x", 100_000)
	var err error
	for i := 0; err == nil && i < 10; i++ {
		err = s.SetFact(fmt.Sprint("filler", i), filler)
	}
	if !isFull(err) {
		t.Fatalf("writing to a full disk: %v, want a full disk", err)
	}
	done := order.Done{Job: j, Result: order.Result{Next: order.StageUpload}, Failure: nil}
	done.Result.Log = filler
	if _, err := s.Turn(&done, order.LaneGenerate, true, lease); !isFull(err) {
		t.Fatalf("a turn on a full disk: %v, want a full disk", err)
	}
	if l := job(t, s, "o1"); l.Job != order.JobLeased || l.Stage != order.StageGenerate {
		t.Errorf("the refused turn left the job %s at %s", l.Job, l.Stage)
	}
	limit(1 << 30)
	next, err := s.Turn(&done, order.LaneGenerate, true, lease)
	if err != nil || next.Lost || next.Job == nil || next.Job.OrderID != "o2" {
		t.Fatalf("the same turn with room again: %+v, %v", next, err)
	}
	if got := outcomes(t, s, "o1"); len(got) != 1 || got[0] != "generate 1 done" {
		t.Errorf("attempts %v", got)
	}
	if got := scan[string](t, outside(t, s.dir), "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

func TestOtherErrorsAreNotAFullDisk(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	err := s.PutService(order.Listed{Title: "Images", State: "no such state"})
	if err == nil || isFull(err) {
		t.Errorf("%v counts as a full disk", err)
	}
}

// TestTheLogStaysSmallInAKillLoop writes about 4 MB in each of 12 processes
// that are killed before they can move the log into the file.
func TestTheLogStaysSmallInAKillLoop(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("ATELIERD_TEST_WAL"); dir != "" {
		s, err := Open(Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		for i := range 60 {
			if err := s.SetFact("f", strings.Repeat(string(rune('a'+i%26)), 64_000)); err != nil {
				fmt.Println(err)
				os.Exit(3)
			}
		}
		fmt.Println("written")
		select {} // until killed
	}
	dir := newDir(t)
	for range 12 {
		child := exec.Command(os.Args[0], "-test.run=^TestTheLogStaysSmallInAKillLoop$")
		child.Env = append(os.Environ(), "ATELIERD_TEST_WAL="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 100)
		n, err := out.Read(line)
		child.Process.Kill()
		child.Wait()
		if err != nil || string(line[:n]) != "written\n" {
			t.Fatalf("the child says %q, %v", line[:n], err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, FileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 8<<20 {
		t.Errorf("after 12 kills the log has %d bytes", info.Size())
	}
	s := openNew(t, Options{Dir: dir})
	if v, err := s.Fact(t.Context(), "f"); err != nil || len(v) != 64_000 {
		t.Errorf("after the last kill the fact has %d bytes, %v", len(v), err)
	}
	s.Close()
	if info, err := os.Stat(filepath.Join(dir, FileName+"-wal")); err == nil && info.Size() > 0 {
		t.Errorf("after Close the log has %d bytes", info.Size())
	}
}

func TestAReaderWorksWithAndWithoutADaemon(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	paid(t, s, "o1")
	if o := getOrder(t, r, "o1"); o.State != order.StateWorking {
		t.Errorf("the reader sees %s", o.State)
	}
	if _, err := r.reads.Exec("DELETE FROM jobs"); err == nil {
		t.Error("a reader may write")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	j := take(t, s, order.LaneGenerate)
	if r, err = OpenReader(dir); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if l := job(t, r, "o1"); l.Job != order.JobLeased {
		t.Errorf("a reader's Open has made the running job %s", l.Job)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Next: order.StageUpload}})
	s.Close()
	alone, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	if l := job(t, alone, "o1"); l.Stage != order.StageUpload {
		t.Errorf("without the daemon the reader sees the stage %s", l.Stage)
	}
}
