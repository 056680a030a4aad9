package announce

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// watched runs an announcer over a store that counts the looks for what is wrong.
func watched(t *testing.T, f func(s *store.Store, dir string, p *phone, looks *atomic.Int64)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		s, err := store.Open(store.Options{Dir: dir, Hook: func(point string) error {
			if point == "after:alerts" {
				looks.Add(1)
			}
			return nil
		}})
		must(t, err)
		defer s.Close()
		p := &phone{}
		o := options(s, p)
		o.PollWithin = 10 * time.Minute
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- New(o).Run(ctx) }()
		f(s, dir, p, &looks)
		stop()
		must(t, <-ended)
	})
}

// TestNothingIsLookedForWhileNothingChanges guards the idle daemon: each look costs a
// dozen queries.
func TestNothingIsLookedForWhileNothingChanges(t *testing.T) {
	t.Parallel()
	watched(t, func(s *store.Store, _ string, _ *phone, looks *atomic.Int64) {
		for range 24 * 60 {
			time.Sleep(time.Minute)
			synctest.Wait()
			answered(t, s)
		}
		if n := looks.Load(); n > 24*7 {
			t.Errorf("%d looks in a day without a change", n)
		}
	})
}

// answered records a poll that the marketplace has answered.
func answered(t *testing.T, s *store.Store) {
	t.Helper()
	id, err := s.CountRequest(order.Request{Kind: "poll"}, nil)
	must(t, err)
	must(t, s.AnswerRequest(id, order.Answer{At: time.Now(), Status: 200}, nil))
}

// TestTheTimeMakesAnAlertWithoutAChange guards the rules about time.
func TestTheTimeMakesAnAlertWithoutAChange(t *testing.T) {
	t.Parallel()
	watched(t, func(s *store.Store, _ string, p *phone, _ *atomic.Int64) {
		answered(t, s)
		time.Sleep(10 * time.Minute)
		if got := p.received(); len(got) != 0 {
			t.Errorf("sent %+v", got)
		}
		time.Sleep(3 * time.Minute)
		if got := p.received(); len(got) != 1 || !strings.Contains(got[0].Title, "has answered no poll") {
			t.Errorf("sent %+v", got)
		}
		answered(t, s)
		time.Sleep(2 * time.Minute)
		if edits := p.edited(); len(edits) != 1 {
			t.Errorf("edited %+v", edits)
		}
	})
}

// TestAChangeByACommandIsSeen guards what other processes commit.
func TestAChangeByACommandIsSeen(t *testing.T) {
	t.Parallel()
	watched(t, func(s *store.Store, dir string, p *phone, looks *atomic.Int64) {
		time.Sleep(time.Hour)
		synctest.Wait()
		before := looks.Load()
		o, err := store.OpenOwner(dir, "the owner")
		must(t, err)
		must(t, o.Note("", "owner", "a test"))
		must(t, o.Close())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if looks.Load() == before {
			t.Error("no look after the commit of another process")
		}
	})
}
