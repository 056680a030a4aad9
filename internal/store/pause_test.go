package store

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// TestOnlyPausesThatWereSeenAreChanged guards a pause and a resume of somebody who decides on
// what is paused.
func TestOnlyPausesThatWereSeenAreChanged(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	o := Owner{Store: s, By: "cli:jo"}
	none := o.IfPauses(func(list []order.Pause) bool { return len(list) == 0 })
	must(t, none.Pause(order.Pause{Service: "Pictures"}, nil))
	for name, err := range map[string]error{"paused": none.Pause(order.Pause{}, nil), "resumed": none.Resume("Pictures")} {
		if !errors.Is(err, ErrPausesChanged) {
			t.Errorf("%s unseen: %v", name, err)
		}
	}
	if list, err := s.Pauses(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("paused: %+v, %v", list, err)
	}
	must(t, o.IfPauses(func(list []order.Pause) bool { return len(list) == 1 }).Resume("Pictures"))
}

func TestAPauseNamesWhoAndStandsUntilItIsResumed(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	o := Owner{Store: s, By: "cli:jo"}
	if err := o.Resume(""); !errors.Is(err, ErrNotPaused) {
		t.Errorf("what is not paused was resumed: %v", err)
	}
	for _, p := range []order.Pause{{}, {Reason: "on holiday"}, {Service: "Pictures"}, {Service: "pictures", Reason: "broken"}} {
		if err := o.Pause(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Pauses(t.Context())
	if err != nil || len(list) != 2 || list[0].By != "cli:jo" || list[0].Reason != "on holiday" || list[1].Service != "Pictures" || list[1].Reason != "broken" {
		t.Errorf("paused: %+v, %v", list, err)
	}
	db := outside(t, s.dir)
	for _, code := range []string{"alert.paused", "alert.service_paused"} {
		if n := scan[int](t, db, "SELECT count(*) FROM v_attention WHERE code = ?", code); n != 1 {
			t.Errorf("the owner is shown %d pauses as %s", n, code)
		}
	}
	for _, service := range []string{"", "PICTURES"} {
		if err := o.Resume(service); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.Pauses(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the resume: %+v, %v", list, err)
	}
	if n := scan[int](t, db, "SELECT count(*) FROM events WHERE kind = 'owner' AND actor = 'cli:jo'"); n != 6 {
		t.Errorf("%d events, want 6", n)
	}
}

// TestNoCallBeginsAfterAPauseHasCommitted guards that the owner's command and the begin of
// work are one after the other: a stage may have looked just before.
func TestNoCallBeginsAfterAPauseHasCommitted(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	if err := (Owner{Store: s, By: "cli:jo"}).Pause(order.Pause{Service: getOrder(t, s, "o1").Service}, nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.BeginCall(j, order.NewCall{Agent: "a", Generator: "studio", Price: order.Dollar})
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Wait || f.Code != order.CodePausedByOwner {
		t.Errorf("the call ends with %v", err)
	}
	if n := scan[int](t, outside(t, s.dir), "SELECT count(*) FROM calls"); n != 0 {
		t.Errorf("%d calls were recorded", n)
	}
	err = s.IntendClaim(order.Claim{Bounty: order.Bounty{ID: "b1"}, Service: getOrder(t, s, "o1").Service})
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodePausedByOwner {
		t.Errorf("the claim ends with %v", err)
	}
}

// TestAPauseEndsByItselfAndItsWorkIsDue guards what waits for a pause: it would look again
// only much later.
func TestAPauseEndsByItselfAndItsWorkIsDue(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{Dir: dir})
		defer s.Close()
		paid(t, s, "o1")
		service := getOrder(t, s, "o1").Service
		p := order.Pause{Service: service, Until: time.Now().Add(30 * time.Minute)}
		if err := (Owner{Store: s, By: "cli:jo"}).Pause(p, nil); err != nil {
			t.Fatal(err)
		}
		q, paused, err := s.PauseOf(t.Context(), service)
		if err != nil || !paused {
			t.Fatalf("paused: %t, %v", paused, err)
		}
		j := take(t, s, order.LaneGenerate)
		finish(t, s, order.Done{Job: j, Failure: q.Failure(time.Now()), RunAt: time.Now().Add(5 * time.Hour)})
		for _, step := range []struct {
			after time.Duration
			ended int
			due   bool
		}{{29 * time.Minute, 0, false}, {time.Minute, 1, true}} {
			time.Sleep(step.after)
			if _, ended, err := s.EndPauses(t.Context()); err != nil || ended != step.ended {
				t.Errorf("%d pauses have ended, %v, want %d", ended, err, step.ended)
			}
			if due := !job(t, s, "o1").RunAt.After(time.Now()); due != step.due {
				t.Errorf("work is due: %t, want %t", due, step.due)
			}
		}
	})
}

// TestAServiceOffTheMarketplaceIsListedAgainAfterTheLastPause guards two pauses that cover
// the same service.
func TestAServiceOffTheMarketplaceIsListedAgainAfterTheLastPause(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, l := range []order.Listed{{Title: "Pictures", RemoteID: "svc_1", State: order.ServiceListed}, {Title: "Old", RemoteID: "svc_2", State: order.ServiceRetired}} {
		if err := s.PutService(l); err != nil {
			t.Fatal(err)
		}
	}
	o := Owner{Store: s, By: "cli:jo"}
	off := []order.Listed{{Title: "Pictures", RemoteID: "svc_1"}, {Title: "Old", RemoteID: "svc_2"}}
	for _, p := range []order.Pause{{Delisted: true}, {Service: "Pictures", Delisted: true}, {Service: "Pictures", Reason: "still"}} {
		if err := o.Pause(p, off); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		resume string
		want   order.ListedState
	}{{"Pictures", order.ServiceDelisted}, {"", order.ServiceWanted}} {
		if err := o.Resume(step.resume); err != nil {
			t.Fatal(err)
		}
		list, err := s.Services(t.Context())
		if err != nil || list[1].State != step.want || list[0].State != order.ServiceRetired {
			t.Errorf("after the resume of %q the services are %+v, %v", step.resume, list, err)
		}
		if off, err := s.Delisted(t.Context(), "pictures"); err != nil || off != (step.want == order.ServiceDelisted) {
			t.Errorf("after the resume of %q it is off the marketplace: %t, %v", step.resume, off, err)
		}
	}
}
