package announce

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/notify"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// phone is a target that keeps what it receives, or fails.
type phone struct {
	mu    sync.Mutex
	got   []notify.Message
	edits []notify.Message
	fail  *notify.Failure
	tries int
}

func (p *phone) Send(_ context.Context, m notify.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.fail != nil {
		return "", p.fail
	}
	p.got = append(p.got, m)
	return "ref", nil
}

func (p *phone) Edit(_ context.Context, _ string, m notify.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edits = append(p.edits, m)
	return nil
}

// received returns what was sent once everyone in the bubble waits.
func (p *phone) received() []notify.Message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// edited returns the edits once everyone in the bubble waits.
func (p *phone) edited() []notify.Message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.edits)
}

// tried returns how often it was sent to once everyone in the bubble waits.
func (p *phone) tried() int {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries
}

func (p *phone) set(f *notify.Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = f
}

// options are those of an announcer with one phone.
func options(s *store.Store, p *phone) Options {
	return Options{
		Store: s, Agent: "Studio", Ledger: "l1", Log: slog.New(slog.DiscardHandler),
		Clean:   func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "[secret]") },
		Targets: []Target{{Listener: order.Listener{Name: "phone", News: order.AllNews()}, To: p}},
	}
}

// announcing runs an announcer in a bubble while f runs.
func announcing(t *testing.T, f func(t *testing.T, s *store.Store, p *phone)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p := &phone{}
		a := New(options(s, p))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		f(t, s, p)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAlertIsSentOnceAndEditedWhenItIsOver(t *testing.T) {
	t.Parallel()
	announcing(t, func(t *testing.T, s *store.Store, p *phone) {
		must(t, s.SetAlert(order.AlertKey, "the key s3cr3t is refused"))
		time.Sleep(time.Hour)
		must(t, s.SetAlert(order.AlertKey, ""))
		time.Sleep(time.Hour)
		if got := p.received(); len(got) != 1 || got[0].Title != "Studio: the key [secret] is refused" || !got[0].Urgent || !strings.HasPrefix(got[0].ID, "l1-phone-1-") {
			t.Errorf("sent %+v", got)
		}
		if edits := p.edited(); len(edits) != 1 || !strings.HasPrefix(edits[0].Title, "Studio: over since ") {
			t.Errorf("edited %+v", edits)
		}
	})
}

func TestAMessageIsSentAgainWithPausesUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	announcing(t, func(t *testing.T, s *store.Store, p *phone) {
		p.set(&notify.Failure{Kind: notify.Later, Reason: "no answer"})
		must(t, s.AddDigest("phone", "2026-11-25", &order.Notice{Kind: order.NoticeDelivered, Line: "delivered o1"}))
		time.Sleep(10 * time.Hour)
		if n := p.tried(); n < 8 || n > 30 {
			t.Errorf("%d tries in ten hours", n)
		}
		p.set(nil)
		time.Sleep(2 * time.Hour)
		if got := p.received(); len(got) != 1 {
			t.Errorf("sent %+v", got)
		}
	})
}

func TestATargetThatIsBrokenIsShownUntilItWorks(t *testing.T) {
	t.Parallel()
	announcing(t, func(t *testing.T, s *store.Store, p *phone) {
		p.set(&notify.Failure{Kind: notify.Broken, Reason: "the token s3cr3t is wrong"})
		must(t, s.AddDigest("phone", "2026-11-25", &order.Notice{Kind: order.NoticeDelivered, Line: "delivered o1"}))
		time.Sleep(time.Hour)
		if text, err := s.Fact(t.Context(), "alert.notify.phone"); text != "the token [secret] is wrong" || err != nil {
			t.Errorf("the alert is %q, %v", text, err)
		}
		p.set(nil)
		time.Sleep(2 * time.Hour)
		if text, err := s.Fact(t.Context(), "alert.notify.phone"); text != "" || err != nil {
			t.Errorf("the alert stays: %q, %v", text, err)
		}
	})
}

func TestARefusedMessageIsNotSentAgain(t *testing.T) {
	t.Parallel()
	announcing(t, func(t *testing.T, s *store.Store, p *phone) {
		p.set(&notify.Failure{Kind: notify.Refused, Reason: "too odd"})
		must(t, s.AddDigest("phone", "2026-11-25", &order.Notice{Kind: order.NoticeDelivered, Line: "delivered o1"}))
		time.Sleep(24 * time.Hour)
		if n := p.tried(); n != 1 {
			t.Errorf("%d tries", n)
		}
	})
}

func TestATrialReportsEachTarget(t *testing.T) {
	t.Parallel()
	good, bad := &phone{}, &phone{fail: &notify.Failure{Reason: "no s3cr3t"}}
	list := Try(t.Context(), Options{
		Agent: "Studio", Clean: func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "[secret]") },
		Targets: []Target{{Listener: order.Listener{Name: "a"}, To: good}, {Listener: order.Listener{Name: "b"}, To: bad}},
	})
	if len(list) != 2 || list[0].Err != nil || list[1].Err == nil || list[1].Err.Error() != "no [secret]" || len(good.got) != 1 {
		t.Errorf("sent %+v", list)
	}
	var f *notify.Failure
	if errors.As(list[1].Err, &f) {
		t.Error("the failure is passed on with its secrets")
	}
}

// A database that was put back gives the numbers of lost messages to other ones.
func TestTheSameNumberAtAnotherTimeIsAnotherMessage(t *testing.T) {
	t.Parallel()
	a := New(Options{Ledger: "l1", Clean: func(text string) string { return text }})
	first := order.Dispatch{ID: 7, At: time.Unix(1000, 0), Tries: 1}
	again, other := first, first
	again.Tries, other.At = 2, time.Unix(2000, 0)
	id := func(d order.Dispatch) string { return a.message(Target{}, d).ID }
	if id(first) != id(again) || id(first) == id(other) {
		t.Errorf("the ids are %s, %s when sent again, and %s of a later one", id(first), id(again), id(other))
	}
}
