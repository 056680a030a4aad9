package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// cancel ends a job that is not done, and counts the requests for each.
func (p *charging) cancel(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.find(w, r)
	if j == nil {
		return
	}
	j.cancels++
	fmt.Fprintf(w, `{"id":%q,"status":"canceled"}`, j.id)
}

// cancels returns how often each job was cancelled.
func (p *charging) cancels() (list []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range p.jobs {
		list = append(list, j.cancels)
	}
	return list
}

// newCancelled starts a daemon with a job that runs at a provider until it is cancelled.
func newCancelled(t *testing.T) (*fixture, *charging) {
	t.Helper()
	p := newCharging(t.Cleanup, 1, 0)
	p.delay = time.Hour
	s := newFixtureWith(t, sandbox.Options{Seed: 1}, strings.ReplaceAll(providerShapes["an id"], "PROVIDER/", p.url+"/"))
	s.env = append(s.env, "PROVIDER_KEY=secret")
	s.place(1)
	return s, p
}

// dueNow makes the next try to cancel a job due.
func (s *fixture) dueNow() {
	s.t.Helper()
	db := s.openDatabase("")
	defer db.Close()
	if _, err := db.Exec("UPDATE calls SET cancel_next_at = began_at WHERE cancel_next_at IS NOT NULL"); err != nil {
		s.t.Fatal(err)
	}
}

// awaitCalls waits until the daemon has so many calls with a provider's id in a state.
func (s *fixture) awaitCalls(c *child, state string, want int) {
	s.t.Helper()
	s.until(fmt.Sprintf("there are not %d calls %s", want, state), func() bool {
		return strings.Contains(c.log.String(), "running") && s.count("SELECT count(*) FROM v_calls WHERE state = '"+state+"' AND ticket <> ''") == want
	})
	select {
	case <-c.ended:
		s.t.Fatalf("the daemon ended\n%s", c.log.String())
	default:
	}
}

// The owner cancels the order while its job runs, and has it made again. The first job is
// cancelled at the provider, once, and the second is another.
func TestTheOwnersCancelReachesTheProvider(t *testing.T) {
	t.Parallel()
	s, p := newCancelled(t)
	c := s.start()
	s.awaitCalls(c, "submitted", 1)
	id := s.market.Orders()[0].ID
	if code, out := s.command("orders", "cancel", id); code != 0 {
		t.Fatalf("orders cancel: exit code %d\n%s", code, out)
	}
	s.awaitCalls(c, "cancelled", 1)
	if code, out := s.command("orders", "show", id); code != 0 || !strings.Contains(out, "cancelled at the provider") {
		t.Errorf("orders show: exit code %d\n%s", code, out)
	}
	if code, out := s.command("orders", "retry", id); code != 0 {
		t.Fatalf("orders retry: exit code %d\n%s", code, out)
	}
	s.awaitCalls(c, "submitted", 1)
	p.mu.Lock()
	p.jobs[1].ready = time.Now()
	p.mu.Unlock()
	s.await(c)
	s.stop(c)
	s.checkOnce()
	if got := fmt.Sprint(p.cancels()); got != "[1 0]" {
		t.Errorf("the jobs were cancelled so often: %s\n%s", got, c.log.String())
	}
}

// A job whose order ended is cancelled once, whether the daemon dies after the order's end
// is durable, or after the try to cancel is.
func TestAKillBeforeTheCancelCancelsOnceAfterTheRestart(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after:intake", "before:call.cancel", "after:call.cancel", "before:call.close"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s, p := newCancelled(t)
			c := s.start()
			s.awaitCalls(c, "submitted", 1)
			c.kill()
			if err := s.market.Cancel(s.market.Orders()[0].ID); err != nil {
				t.Fatal(err)
			}
			s.startAndDie(point)
			s.dueNow()
			again := s.start()
			s.until("the call is not settled\n"+again.log.String(), func() bool {
				return s.count("SELECT count(*) FROM calls WHERE closed_at IS NOT NULL AND cancel_wanted_at IS NOT NULL") == 1
			})
			s.stop(again)
			if got := fmt.Sprint(p.cancels()); got != "[1]" {
				t.Errorf("the job was cancelled so often: %s\n%s", got, again.log.String())
			}
			if n := s.count("SELECT round(cost_usd * 100) FROM v_calls"); n != 4 {
				t.Errorf("the call costs %d cents, want 4", n)
			}
		})
	}
}
