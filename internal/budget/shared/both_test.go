package shared_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/budget/shared"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/order"
	"atelierd/internal/testdir"
)

// The kit of both places of a count: a file and a bucket of NATS.

// place is where a count is.
type place struct {
	// open returns the count for an agent, as another process does.
	open func(t *testing.T, id string) budget.Share
	// remove removes it, and lock keeps it as a process does that is stopped amid a change,
	// until unlock.
	remove func(t *testing.T)
	lock   func(t *testing.T) (unlock func())
	// locked is what the error of a locked one says; empty if its lock is taken over after
	// waits.
	locked string
	waits  time.Duration
}

func inFile(t *testing.T) place {
	dir := testdir.New(t)
	return place{
		open:   func(t *testing.T, id string) budget.Share { return open(t, dir, id) },
		remove: func(t *testing.T) { must(t, os.Remove(filepath.Join(dir, shared.FileName))) },
		lock: func(t *testing.T) func() {
			other, err := sql.Open("sqlite", filepath.Join(dir, shared.FileName))
			must(t, err)
			t.Cleanup(func() { other.Close() })
			other.SetMaxOpenConns(1)
			_, err = other.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
			must(t, err)
			return func() {
				_, err := other.ExecContext(t.Context(), "ROLLBACK")
				must(t, err)
			}
		},
		locked: "locked",
	}
}

func inBucket(t *testing.T) place {
	_, url := natstest.Ready(t)
	count := func(t *testing.T, id string) *shared.Bucket {
		q := natstest.Open(t, url, "agent")
		return shared.NewBucket(shared.BucketOptions{
			Open: func() (shared.Cell, error) { return q.Requests(), nil }, ID: id, Name: "agent " + id,
		})
	}
	return place{
		waits: 3 * time.Second,
		open:  func(t *testing.T, id string) budget.Share { return count(t, id) },
		remove: func(t *testing.T) {
			natstest.Wipe(t, url)
			must(t, natstest.Open(t, url, "setup").Setup(t.Context(), natsq.SetupOptions{}))
		},
		lock: func(t *testing.T) func() {
			holds, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			stopped := count(t, "stopped")
			go func() {
				done <- stopped.Update(context.WithoutCancel(t.Context()), func(c *budget.Common) error {
					c.Windows[order.ScopeAll] = budget.CommonWindow{}
					close(holds)
					<-free
					return nil
				})
			}()
			<-holds
			return func() {
				close(free)
				if err := <-done; !errors.Is(err, natsq.ErrChanged) {
					t.Errorf("what a stopped agent writes after others is taken: %v", err)
				}
			}
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// both runs a test on each place.
func both(t *testing.T, f func(t *testing.T, p place)) {
	t.Helper()
	for name, at := range map[string]func(*testing.T) place{"a file": inFile, "a bucket": inBucket} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, at(t))
		})
	}
}

func TestProcessesThatCountAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		var all sync.WaitGroup
		for _, id := range []string{"a", "b", "c", "d"} {
			f := p.open(t, id)
			all.Go(func() {
				for range 25 {
					for take(f) != nil && t.Context().Err() == nil { // it waited for the others for too long
					}
				}
			})
		}
		all.Wait()
		c, err := p.open(t, "reader").Read(t.Context())
		must(t, err)
		if n := c.Windows[order.ScopeAll].Used; n != 100 || len(c.Others) != 4 {
			t.Errorf("%d of 100 requests of %d agents are counted", n, len(c.Others))
		}
		for _, a := range c.Others {
			if a.Used[order.ScopeAll] != 25 || a.Name != "agent "+a.ID {
				t.Errorf("%+v; want 25 used", a)
			}
		}
	})
}

func TestWhatFailsInAnUpdateIsNotWritten(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		f := p.open(t, "a")
		must(t, take(f))
		no := &order.Failure{Class: order.Wait, Code: order.CodeBudget, Err: errors.New("no")}
		err := f.Update(t.Context(), func(c *budget.Common) error {
			c.Windows[order.ScopeAll] = budget.CommonWindow{}
			return no
		})
		c, readErr := f.Read(t.Context())
		if !errors.Is(err, no) || readErr != nil || c.Windows[order.ScopeAll].Used != 1 {
			t.Errorf("%v, %v, %+v", err, readErr, c.Windows)
		}
		must(t, take(f))
	})
}

func TestACountThatIsRemovedIsBegunAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		f := p.open(t, "a")
		must(t, take(f))
		before, err := f.Read(t.Context())
		must(t, err)
		p.remove(t)
		must(t, take(f))
		after, err := f.Read(t.Context())
		if err != nil || after.ID == before.ID || after.Windows[order.ScopeAll].Used != 1 {
			t.Errorf("%v, %q after %q, %+v", err, after.ID, before.ID, after.Windows)
		}
	})
}

// A place that stays locked is an error, or taken over. It is no hang.
func TestACountThatStaysLockedStopsNobody(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		f := p.open(t, "a")
		must(t, take(f))
		began := time.Now()
		unlock := p.lock(t)
		if err := take(f); p.locked == "" && err != nil || p.locked != "" && (err == nil || !strings.Contains(err.Error(), p.locked)) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited < p.waits {
			t.Errorf("after %s it does not wait for who changes it", waited)
		}
		unlock()
		must(t, take(f))
	})
}

func TestEveryPartOfACountIsKept(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		now := time.Now().Truncate(time.Millisecond).UTC()
		want := budget.Common{
			Counts: "separate", Learned: now, Probed: now.Add(time.Hour), Probing: now.Add(time.Minute),
			Windows: map[string]budget.CommonWindow{"x": {Anchor: "a/1", Window: order.Window{Scope: "x", StartedAt: now, EndsAt: now.Add(time.Hour), Used: 3, Limit: 20, BlockedUntil: now.Add(time.Second)}}},
			Self: budget.Agent{
				ID: "a", Seen: now, Beat: now, Polled: now, Due: 2, Sends: 4, Used: map[string]int{"x": 3},
				About: budget.About{Name: "agent a", Socket: "/s", Console: "http://127.0.0.1/", Open: 5, Needs: 6, Stopped: true},
			},
		}
		must(t, p.open(t, "a").Update(t.Context(), func(c *budget.Common) error {
			id := c.ID
			*c = want
			want.ID = id
			return nil
		}))
		got, err := p.open(t, "a").Read(t.Context())
		must(t, err)
		equal(t, got, want)
		other, err := p.open(t, "b").Read(t.Context())
		must(t, err)
		if len(other.Others) != 1 || other.Self.ID != "b" {
			t.Fatalf("another agent reads %+v", other)
		}
		equal(t, budget.Common{ID: other.ID, Counts: other.Counts, Learned: other.Learned, Probed: other.Probed, Probing: other.Probing, Windows: other.Windows, Self: other.Others[0]}, want)
	})
}

// An old row of an agent is forgotten, and a used window that is over.
func TestWhatIsOldIsForgotten(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p place) {
		must(t, p.open(t, "old").Update(t.Context(), func(c *budget.Common) error {
			c.Self.Seen = time.Now().Add(-31 * 24 * time.Hour)
			return nil
		}))
		f := p.open(t, "a")
		must(t, take(f))
		must(t, f.Update(t.Context(), func(c *budget.Common) error {
			w := c.Windows[order.ScopeAll]
			w.StartedAt, w.Used = w.StartedAt.Add(2*time.Hour), 0
			c.Windows[order.ScopeAll], c.Self.Used = w, nil
			return nil
		}))
		c, err := p.open(t, "b").Read(t.Context())
		must(t, err)
		if len(c.Others) != 1 || c.Others[0].ID != "a" || c.Others[0].Used[order.ScopeAll] != 0 {
			t.Errorf("%+v", c.Others)
		}
	})
}

func TestABucketThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	server, url := natstest.Start(t)
	q := natstest.Open(t, url, "agent")
	b := shared.NewBucket(shared.BucketOptions{Open: func() (shared.Cell, error) { return q.Requests(), nil }, ID: "a"})
	if err := take(b); !errors.Is(err, natsq.ErrNotSetUp) || !strings.Contains(shared.Hint(err), "nats setup") {
		t.Errorf("%v; hint: %s", err, shared.Hint(err))
	}
	must(t, q.Setup(t.Context(), natsq.SetupOptions{}))
	if n, err := b.Check(t.Context()); n != 0 || err != nil {
		t.Errorf("the check finds %d, %v", n, err)
	}
	must(t, take(b))
	natstest.Stop(server)
	for !errors.Is(take(b), natsq.ErrAway) { // the client notices in a moment
	}
	if _, err := b.Check(t.Context()); err == nil || !strings.Contains(shared.Hint(err), "nats.urls") {
		t.Errorf("%v; hint: %s", err, shared.Hint(err))
	}
}
