package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"atelierd/internal/store/query"
)

// queued sends all requests while an earlier one keeps the writer busy, so that
// they share a batch, and returns their errors. It runs in a synctest bubble.
func queued(s *Store, requests ...func(*tx) error) []error {
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.write("gate", func(*tx) error {
			close(entered)
			<-release
			return nil
		})
	})
	<-entered
	errs := make([]error, len(requests))
	for i, fn := range requests {
		wg.Go(func() { errs[i] = s.write(fmt.Sprint("queued.", i), fn) })
		synctest.Wait() // it has queued, behind those before it
	}
	close(release)
	wg.Wait()
	return errs
}

func putFact(name string) func(*tx) error {
	return func(t *tx) error {
		return t.PutFact(noCancel, query.PutFactParams{Name: name, Value: "x", ChangedAt: t.now})
	}
}

func factNames(t *testing.T, s *Store) []string {
	t.Helper()
	list, err := s.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	return names
}

func TestRequestsThatWaitTogetherShareACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		before := frames(t, s)
		requests := make([]func(*tx) error, 20)
		for i := range requests {
			requests[i] = putFact(fmt.Sprint("fact", i))
		}
		for _, err := range queued(s, requests...) {
			if err != nil {
				t.Error(err)
			}
		}
		if n := len(factNames(t, s)); n != 20 {
			t.Errorf("%d facts were written, want 20", n)
		}
		// Twenty commits would write at least a page each to the log.
		if wrote := frames(t, s) - before; wrote >= 20 {
			t.Errorf("20 requests wrote %d pages to the log: they did not share a commit", wrote)
		}
	})
}

// frames is how many pages the write-ahead log holds.
func frames(t *testing.T, s *Store) int {
	t.Helper()
	var busy, log, done int
	if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &done); err != nil {
		t.Fatal(err)
	}
	return log
}

func TestAFailingRequestDoesNotFailItsNeighbours(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		bad := errors.New("bad request")
		runs := 0
		errs := queued(s,
			func(tx *tx) error { runs++; return putFact("one")(tx) },
			func(tx *tx) error {
				if err := putFact("half")(tx); err != nil {
					return err
				}
				return bad
			},
			putFact("two"))
		if errs[0] != nil || !errors.Is(errs[1], bad) || errs[2] != nil {
			t.Errorf("errors %v, want only the second to fail with its own", errs)
		}
		if got, want := factNames(t, s), []string{"one", "two"}; !slices.Equal(got, want) {
			t.Errorf("the file holds the facts %v, want %v", got, want)
		}
		// The first run of the shared transaction was rolled back.
		if runs != 2 {
			t.Errorf("the first request ran %d times, want 2", runs)
		}
	})
}

func TestAnAnswerComesOnlyAfterTheCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newDir(t)
		var s *Store
		answered, atCommit := false, true
		s = openNew(t, Options{Dir: dir, Hook: func(point string) error {
			if point == "after:fact" {
				atCommit = answered
				// Another connection already sees what was committed.
				if got, err := s.Fact(t.Context(), "a"); got != "x" {
					t.Errorf("after the commit a reader sees %q, %v", got, err)
				}
			}
			return nil
		}})
		if err := s.SetFact("a", "x"); err != nil {
			t.Fatal(err)
		}
		answered = true
		synctest.Wait()
		if atCommit {
			t.Error("the request was answered before its commit, or never committed")
		}
	})
}

func TestAFailedCommitLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	refuse := false
	s := openNew(t, Options{Hook: func(point string) error {
		if refuse && point == "before:fact" {
			return errors.New("no")
		}
		return nil
	}})
	refuse = true
	if err := s.SetFact("a", "x"); err == nil {
		t.Fatal("a write whose transaction failed said nil")
	}
	refuse = false
	if err := s.SetFact("b", "x"); err != nil {
		t.Fatalf("the write after a failed one: %v", err)
	}
	if got := factNames(t, s); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the file holds %v, want only b", got)
	}
}

func TestARollbackNotifiesOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		var told []Change
		s.Notify(func(c Change) { told = append(told, c) })
		queued(s,
			func(tx *tx) error { tx.changed.Generate = true; return errors.New("no") },
			func(tx *tx) error { tx.changed.Network = true; return nil })
		if want := []Change{{Network: true}}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

func TestCloseAnswersWaitingRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{})
		entered, release := make(chan struct{}), make(chan struct{})
		errs := make([]error, 3)
		var wg sync.WaitGroup
		wg.Go(func() {
			errs[0] = s.write("gate", func(*tx) error { close(entered); <-release; return nil })
		})
		<-entered
		wg.Go(func() { errs[1] = s.SetFact("a", "x") })
		synctest.Wait()
		wg.Go(func() { errs[2] = s.Close() })
		synctest.Wait()
		close(release)
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Errorf("requests that were under way at Close: %v", err)
		}
		if err := s.SetFact("b", "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("a write after Close: %v, want ErrClosed", err)
		}
	})
}
