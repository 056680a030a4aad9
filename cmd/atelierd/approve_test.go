package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// newReviewed starts a daemon with an order whose picture waits for approval.
func newReviewed(t *testing.T) (*fixture, *child) {
	t.Helper()
	s := newFixture(t, sandbox.Options{Seed: 1})
	config := must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml")))
	s.write("atelierd.toml", strings.Replace(string(config), "[[service]]", "[[service]]\nmode = \"review\"", 1), 0o600)
	s.place(1)
	c := s.start()
	s.awaitReview(c, "quote")
	s.approveFirst()
	s.awaitReview(c, "upload")
	return s, c
}

// awaitReview waits until work waits for approval at a stage.
func (s *fixture) awaitReview(c *child, stage string) {
	s.t.Helper()
	s.until("nothing waits for approval at stage "+stage, func() bool {
		return strings.Contains(c.log.String(), "running") && s.count("SELECT count(*) FROM jobs WHERE state = 'held' AND code = 'review' AND stage = '"+stage+"'") == 1
	})
}

// approveFirst runs the owner's command for the order that waits.
func (s *fixture) approveFirst(flags ...string) {
	s.t.Helper()
	if code, out := s.command(append([]string{"orders", "approve", s.market.Orders()[0].ID}, flags...)...); code != 0 {
		s.t.Fatalf("exit %d\n%s", code, out)
	}
}

// ends are the ways in which a daemon ends.
var ends = map[string]func(s *fixture, c *child){
	"killed":  func(_ *fixture, c *child) { c.kill() },
	"stopped": func(s *fixture, c *child) { s.stop(c) },
}

// TestADaemonThatEndsSendsNothingBeforeTheApprovalBegins guards the seconds in which an
// owner takes an approval back, over a restart.
func TestADaemonThatEndsSendsNothingBeforeTheApprovalBegins(t *testing.T) {
	t.Parallel()
	const delay = 10 * time.Second
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newReviewed(t)
			approved := time.Now()
			s.approveFirst("--after", delay.String())
			end(s, c)
			again := s.start()
			s.await(again)
			s.stop(again)
			s.checkOnce()
			for _, d := range s.market.Orders()[0].Deliveries {
				if d.At.Before(approved.Add(delay)) {
					t.Errorf("delivered %s after the approval", d.At.Sub(approved))
				}
			}
		})
	}
}

// TestAnApprovalIsTakenBackAfterARestart guards that what is taken back is not sent by any
// later life.
func TestAnApprovalIsTakenBackAfterARestart(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newReviewed(t)
			s.approveFirst("--after", "1h")
			end(s, c)
			again := s.start()
			s.approveFirst("--take-back")
			s.awaitReview(again, "upload")
			s.stop(again)
			if n := len(s.market.Orders()[0].Deliveries); n != 0 {
				t.Errorf("delivered %d times after it was taken back", n)
			}
			last := s.start()
			s.approveFirst()
			s.await(last)
			s.stop(last)
			s.checkOnce()
		})
	}
}
