package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// What happened to an order while the daemon was down shows with the first poll. The
// tests make that poll slow.

// notePicture is a generator that notes its process and never ends by itself.
const notePicture = "#!/bin/sh\necho $$ >> \"$HOME/runs\"\nexec sleep 600\n"

// slowPolls makes each listing of orders take d.
func (s *fixture) slowPolls(d time.Duration) {
	s.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if strings.HasSuffix(r.URL.Path, "/orders") {
			return sandbox.Fault{Slow: d}
		}
		return sandbox.Fault{}
	}})
}

// deliverByHand delivers the order with the agent's key, next to the daemon.
func (s *fixture) deliverByHand(id string) error {
	body := `{"deliverable_url":"https://by.hand/x.png","deliverable_media_type":"image"}`
	r := httptest.NewRequest(http.MethodPost, "/api/orders/"+id+"/deliver", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, v := range s.env {
		if key, ok := strings.CutPrefix(v, "ATELIER_API_KEY="); ok {
			r.Header.Set("Authorization", "Bearer "+key)
		}
	}
	w := httptest.NewRecorder()
	if s.market.ServeHTTP(w, r); w.Code != http.StatusOK {
		return fmt.Errorf("delivered by hand: %d %s", w.Code, w.Body)
	}
	return nil
}

// runs returns the processes of the generator that were started.
func (s *fixture) runs() (pids []int) {
	list, err := os.ReadFile(filepath.Join(s.dir, "runs"))
	if err != nil {
		return nil // none yet
	}
	for line := range bytes.Lines(list) {
		pids = append(pids, must(strconv.Atoi(strings.TrimSpace(string(line)))))
	}
	return pids
}

// awaitRun waits until the generator runs and the daemon has recorded its process. A
// daemon that is killed before that leaves a program that no later one knows.
func (s *fixture) awaitRun() {
	s.t.Helper()
	s.until("the generator was not started", func() bool {
		runs := s.runs()
		if len(runs) != 1 {
			return false
		}
		records := must(filepath.Glob(filepath.Join(s.dir, "data", "work", "*", "*", "*.pid")))
		return slices.ContainsFunc(records, func(path string) bool {
			text, err := os.ReadFile(path)
			return err == nil && strings.HasPrefix(string(text), strconv.Itoa(runs[0])+" ")
		})
	})
}

// alive reports whether a process runs. A zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(fields, "Z")
}

func TestAnOrderThatEndedWhileTheDaemonWasDownIsNotPaidForAgain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *fixture, id string) error{
		"cancelled":         func(s *fixture, id string) error { return s.market.Cancel(id) },
		"delivered by hand": (*fixture).deliverByHand,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.write("make-picture", notePicture, 0o755)
			s.place(1)
			c := s.start()
			s.awaitRun()
			c.kill()
			if err := end(s, s.market.Orders()[0].ID); err != nil {
				t.Fatal(err)
			}
			s.slowPolls(600 * time.Millisecond)
			again := s.start()
			s.until("the work did not end\n"+again.log.String(), func() bool {
				return s.count("SELECT count(*) FROM jobs WHERE kind = 'delivery' AND state = 'cancelled'") == 1
			})
			s.stop(again)
			if runs := s.runs(); len(runs) != 1 || alive(runs[0]) {
				t.Errorf("the generator ran %d times; still running: %t\n%s", len(runs), alive(runs[0]), again.log.String())
			}
		})
	}
}

// Links die and clients wait, so what is on the disk is uploaded without the
// marketplace's first listing.
func TestWorkOnTheDiskResumesBeforeTheFirstPollIsAnswered(t *testing.T) {
	t.Parallel()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.place(1)
	s.startAndDie("before:finish.generate")
	const slow = 5 * time.Second
	s.slowPolls(slow)
	began := time.Now()
	again := s.start()
	s.until("nothing was uploaded\n"+again.log.String(), func() bool {
		return s.count("SELECT count(*) FROM artifacts WHERE url <> ''") == 1
	})
	took := time.Since(began)
	t.Logf("uploaded %s after the restart", took.Round(time.Millisecond))
	if took >= slow {
		t.Errorf("it was uploaded only after the first poll, in %s", took)
	}
	s.market.SetFaults(sandbox.Faults{})
	s.await(again)
	s.stop(again)
	s.checkOnce()
}

// The owner has the work made again while the daemon is down, by another generator, which
// knows of no program that still runs for the first attempt.
func TestAProgramOfAnEarlierLifeIsKilledAlsoAfterARedo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows which process a record names")
	}
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", notePicture, 0o755)
	s.place(1)
	c := s.start()
	s.awaitRun()
	c.kill()
	id := s.market.Orders()[0].ID
	for _, act := range []string{"cancel", "redo"} {
		if code, out := s.command("orders", act, id); code != 0 {
			t.Fatalf("orders %s: exit code %d\n%s", act, code, out)
		}
	}
	config := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	s.write("atelierd.toml", strings.Replace(config, programGenerator, "\ntype = \"canvas\"\n", 1), 0o600)
	again := s.start()
	s.await(again)
	s.stop(again)
	if runs := s.runs(); len(runs) != 1 || alive(runs[0]) {
		t.Errorf("the program ran %d times; still running: %t\n%s", len(runs), alive(runs[0]), again.log.String())
	}
}
