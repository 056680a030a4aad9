package store

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// lives is a data folder on which one process after another works.
type lives struct {
	t   *testing.T
	dir string
	s   *Store
}

func (l *lives) begin(b order.Boot) *Store {
	l.t.Helper()
	s, err := Open(Options{Dir: l.dir})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := s.Boot(b); err != nil {
		l.t.Fatal(err)
	}
	l.s = s
	return s
}

func (l *lives) stop() {
	l.t.Helper()
	if err := errors.Join(l.s.EndRun(), l.s.Close()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lives) crash() { l.s.Close() }

// attention returns the reasons that are shown to the owner.
func (l *lives) attention() string {
	l.t.Helper()
	st, err := l.s.Status(l.t.Context(), time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	var list []string
	for _, a := range st.Attention {
		list = append(list, a.Reason)
	}
	return strings.Join(list, "\n")
}

func inLives(t *testing.T, f func(t *testing.T, l *lives)) {
	t.Helper()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) { f(t, &lives{t: t, dir: dir}) })
}

func TestACrashIsAnnouncedOnceAndOverAfterAnHour(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		l.begin(order.Boot{})
		l.crash()
		s := l.begin(order.Boot{})
		defer s.Close()
		if got := l.attention(); !strings.HasPrefix(got, "atelierd ended without stopping, and was started again at ") {
			t.Errorf("at once the owner sees %q", got)
		}
		got := watch(t, s, phone, 50*time.Minute)
		if len(got) != 1 || !strings.HasPrefix(got[0], "atelierd ended without stopping, ") {
			t.Errorf("announced %q", got)
		}
		if got = watch(t, s, phone, 10*time.Hour); len(got) != 1 || !strings.HasPrefix(got[0], "over: atelierd ended") {
			t.Errorf("afterwards %q", got)
		}
		if got := l.attention(); got != "" {
			t.Errorf("the owner still sees %q", got)
		}
	})
}

func TestAStopAndARestoreAreNoCrash(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		l.begin(order.Boot{})
		l.stop()
		l.begin(order.Boot{})
		if got := l.attention(); got != "" {
			t.Errorf("after a stop the owner sees %q", got)
		}
		l.crash() // the copy of a folder in use looks like this
		l.begin(order.Boot{Restored: "it lacks something"})
		defer l.s.Close()
		if got := l.attention(); got != "" {
			t.Errorf("after a restore the owner sees %q", got)
		}
	})
}

// TestACrashLoopIsAnnouncedOnce guards a process that never lives for a minute: only its
// starts can announce.
func TestACrashLoopIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		l.begin(order.Boot{})
		var titles []string
		for range 100 {
			if err := l.s.FailRun("the loop poll failed"); err != nil {
				t.Fatal(err)
			}
			l.crash()
			time.Sleep(10 * time.Second)
			s := l.begin(order.Boot{})
			if _, err := s.CheckAlerts(order.Watch{Starts: true, After: order.AnnounceAfter, Listeners: []order.Listener{phone}}); err != nil {
				t.Fatal(err)
			}
			d, _, err := s.NextDispatch(phone, time.Minute, false)
			if err != nil {
				t.Fatal(err)
			}
			if d != nil {
				titles = append(titles, d.Title)
				if err := s.DispatchSent(d.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		defer l.s.Close()
		if len(titles) != 1 || !strings.Contains(titles[0], "without stopping 7 times within an hour") || !strings.Contains(titles[0], "the loop poll failed") {
			t.Errorf("announced %q", titles)
		}
		if got := l.attention(); !strings.Contains(got, "without stopping 100 times") {
			t.Errorf("the owner sees %q", got)
		}
	})
}

// TestTheStartClosesNoAlert guards that what an earlier process has found stands until it
// is looked for.
func TestTheStartClosesNoAlert(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		s := l.begin(order.Boot{})
		defer s.Close()
		setAlert(t, s, order.AlertKey, "the key is refused")
		watch(t, s, phone, 2*time.Minute)
		if found, err := s.CheckAlerts(order.Watch{Starts: true}); err != nil || found.Closed != 0 {
			t.Errorf("closed %d alerts, %v", found.Closed, err)
		}
	})
}

func TestAFailedPayoutIsShownUntilItIsAskedForAgain(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		s := l.begin(order.Boot{})
		defer s.Close()
		done := facts("o1", order.Completed)
		done.CompletedAt = placed.Add(time.Hour)
		apply(t, s, batch(done))
		if err := s.Note("o1", "payout failed", "said the marketplace"); err != nil {
			t.Fatal(err)
		}
		if got := l.attention(); got != "its payout failed" {
			t.Errorf("the owner sees %q", got)
		}
		if err := s.Note("o1", "payout asked", "again"); err != nil {
			t.Fatal(err)
		}
		if got := l.attention(); got != "" {
			t.Errorf("after it was asked for again the owner sees %q", got)
		}
	})
}

func TestAListingThatDiffersNeedsTheOwner(t *testing.T) {
	t.Parallel()
	inLives(t, func(t *testing.T, l *lives) {
		s := l.begin(order.Boot{})
		defer s.Close()
		for reason, want := range map[string]string{"": "", "price is 5 there and 7 here": "price is 5 there and 7 here"} {
			if err := s.PutService(order.Listed{Title: "Pictures", State: order.ServiceListed, Reason: reason}); err != nil {
				t.Fatal(err)
			}
			if got := l.attention(); got != want {
				t.Errorf("with the reason %q the owner sees %q", reason, got)
			}
		}
	})
}
