package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// The real program, in real processes, killed with SIGKILL: at random moments,
// and once at each commit that an order passes on its way.

// Variables by which a test tells the program what to do at its commits; see
// internal/app.
const (
	envKillAt = "ATELIERD_TEST_KILL_AT" // POINT:N, die at the Nth passing
	envPoints = "ATELIERD_TEST_POINTS"  // a file to list the points in
	envFull   = "ATELIERD_TEST_FULL"    // no commit has room while this file exists
)

// everyKill runs the kills amid faults at every commit, not at every third.
var everyKill = flag.Bool("every-kill", false, "kill at every commit amid faults")

func TestAKillAtEachCommitDeliversTheOrderOnce(t *testing.T) {
	t.Parallel()
	for _, point := range commitPoints(t) {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, sandbox.Options{Seed: 1})
			s.place(1)
			if strings.HasSuffix(point, ":finish.wait") { // work waits only if the first poll is slower
				s.startAndDieAmidFaults(point)
			} else {
				s.startAndDie(point)
			}
			again := s.start()
			began := time.Now()
			s.await(again)
			t.Logf("delivered %s after the restart", time.Since(began).Round(time.Millisecond))
			s.stop(again)
			s.checkOnce()
			if n := s.count("SELECT max(attempt) FROM attempts"); n != 1 {
				t.Errorf("the crash has used up an attempt: the last has number %d", n)
			}
		})
	}
}

// The same while the marketplace fails, loses answers and is slow. Then a stage
// may need more than one attempt, but the order is still delivered once.
func TestAKillAtEachCommitAmidFaultsDeliversTheOrderOnce(t *testing.T) {
	t.Parallel()
	for i, name := range orderCommits {
		for j, when := range []string{"before:", "after:"} {
			if !*everyKill && (2*i+j)%3 != 0 {
				continue
			}
			t.Run(when+name, func(t *testing.T) {
				t.Parallel()
				s := newFixture(t, sandbox.Options{Seed: uint64(10*i + j + 1), Faults: sandbox.Faults{
					Before: 0.15, After: 0.15, Slow: 0.15, SlowMax: 300 * time.Millisecond,
				}})
				// Every second comparison of the ledger fails, and the pauses between them grow to a minute.
				s.waits = 10 * time.Minute
				s.place(1)
				s.startAndDieAmidFaults(when + name)
				again := s.start()
				s.await(again)
				s.stop(again)
				s.checkOnce()
			})
		}
	}
}

// startAndDieAmidFaults is startAndDie where an order may also be delivered without the
// commit: a quote whose answer is lost is found by a poll, which ends its job.
func (s *fixture) startAndDieAmidFaults(point string) {
	s.t.Helper()
	doomed, died := s.start(envKillAt+"="+point+":1"), false
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the log of the first life:\n%s", doomed.log.String())
		}
	})
	s.until("the point was not passed, and the order not delivered", func() bool {
		select {
		case <-doomed.ended:
			died = true
		default:
		}
		return died || strings.Contains(doomed.log.String(), "running") && s.settled()
	})
	switch {
	case !died:
		s.t.Logf("the order was delivered without the commit %s", point)
		s.stop(doomed)
	case doomed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
		s.t.Fatalf("the daemon ended otherwise: %s\n%s", doomed.ProcessState, doomed.log.String())
	}
}

// orderCommits are the commits that every order passes on its way.
var orderCommits = []string{"intake", "lease", "finish.price", "quote.intent", "finish.quote", "message.intent", "finish.send", "finish.generate", "uploaded", "finish.upload", "deliver.intent", "finish.deliver", "compared"}

// commitPoints are the points before and after each commit that one order
// passes, as the program itself names them. A renewal is left out: only a stage that is
// slower than a third of a lease has one, so another run may pass none.
func commitPoints(t *testing.T) []string {
	t.Helper()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.place(1)
	list := filepath.Join(s.dir, "points")
	c := s.start(envPoints + "=" + list)
	s.await(c)
	s.stop(c)
	var points []string
	for line := range strings.Lines(string(must(os.ReadFile(list)))) {
		if p := strings.TrimSpace(line); !slices.Contains(points, p) && !strings.HasSuffix(p, ":renew") && !strings.HasSuffix(p, ":run.end") { // no process is stopped below
			points = append(points, p)
		}
	}
	for _, needed := range orderCommits {
		if !slices.Contains(points, "before:"+needed) || !slices.Contains(points, "after:"+needed) {
			t.Fatalf("the order did not pass the commit %q; it passed %v", needed, points)
		}
	}
	return points
}
