package store

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

var phone = order.Listener{Name: "phone", News: order.AllNews()}

// watch has the alerts checked each minute for a while, and sends what is due. It returns
// the titles of the messages.
func watch(t *testing.T, s *Store, l order.Listener, how time.Duration) []string {
	t.Helper()
	var titles []string
	for end := time.Now().Add(how); time.Now().Before(end); time.Sleep(time.Minute) {
		if _, err := s.CheckAlerts(order.Watch{After: order.AnnounceAfter, Listeners: []order.Listener{l}}); err != nil {
			t.Fatal(err)
		}
		d, _, err := s.NextDispatch(l, time.Minute, false)
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			titles = append(titles, d.Title)
			if err := s.DispatchSent(d.ID, "ref"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return titles
}

func wantTitles(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func setAlert(t *testing.T, s *Store, a order.Alert, text string) {
	t.Helper()
	if err := s.SetAlert(a, text); err != nil {
		t.Fatal(err)
	}
}

// addNotice commits a line for one target.
func addNotice(s *Store, target string, n order.Notice) error {
	return s.write("notice", func(t *tx) error { return t.notice(target, nil, n) })
}

func inBubble(t *testing.T, f func(t *testing.T, s *Store)) {
	t.Helper()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		f(t, s)
	})
}

func TestAnAlertIsAnnouncedOnceRemindedDailyAndSaidToBeOver(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		setAlert(t, s, order.AlertKey, "the key is refused")
		wantTitles(t, watch(t, s, phone, 23*time.Hour), "the key is refused")
		wantTitles(t, watch(t, s, phone, 23*time.Hour), "still: the key is refused")
		setAlert(t, s, order.AlertKey, "")
		wantTitles(t, watch(t, s, phone, 10*time.Minute))
		wantTitles(t, watch(t, s, phone, 48*time.Hour), "over: the key is refused")
	})
}

func TestWhatHealsWithinAMinuteIsNotAnnounced(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		setAlert(t, s, order.AlertKey, "the key is refused")
		wantTitles(t, watch(t, s, phone, time.Minute))
		setAlert(t, s, order.AlertKey, "")
		wantTitles(t, watch(t, s, phone, time.Hour))
	})
}

// TestWhatHealsBeforeItIsSentIsNotSent guards a target whose messages wait, as in its quiet
// hours: what is no longer true is left out, and so is that it is over.
func TestWhatHealsBeforeItIsSentIsNotSent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		for _, text := range []string{"the key is refused", ""} {
			setAlert(t, s, order.AlertKey, text)
			if _, err := s.CheckAlerts(order.Watch{Listeners: []order.Listener{phone}}); err != nil {
				t.Fatal(err)
			}
		}
		wantTitles(t, watch(t, s, phone, time.Hour))
	})
}

// The line that something is over goes with the next message, if one comes soon.
func TestWhatIsOverGoesWithTheNextMessage(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		setAlert(t, s, order.AlertKey, "the key is refused")
		watch(t, s, phone, 5*time.Minute)
		setAlert(t, s, order.AlertKey, "")
		setAlert(t, s, order.AlertWallet, "no wallet")
		wantTitles(t, watch(t, s, phone, time.Hour), "1 needs you, 1 over")
	})
}

func TestAnEditSaysThatAnAlertIsOver(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		setAlert(t, s, order.AlertKey, "the key is refused")
		watch(t, s, phone, 5*time.Minute)
		setAlert(t, s, order.AlertKey, "")
		if _, err := s.CheckAlerts(order.Watch{Listeners: []order.Listener{phone}}); err != nil {
			t.Fatal(err)
		}
		inTokyo := phone
		inTokyo.Zone = time.FixedZone("JST", 9*60*60)
		edits, err := s.Edits(inTokyo)
		if err != nil || len(edits) != 1 || edits[0].Ref != "ref" || edits[0].Urgent || !strings.HasPrefix(edits[0].Title, "over since 09:05 JST") {
			t.Fatalf("edits %+v, %v", edits, err)
		}
		if err := s.Edited("phone", edits[0].ID); err != nil {
			t.Fatal(err)
		}
		wantTitles(t, watch(t, s, phone, time.Hour))
	})
}

// TestAMessageThatMayHaveBeenSentIsSentAgain guards a crash between the request and its
// commit: the same message is sent again, and nothing new is put into it.
func TestAMessageThatMayHaveBeenSentIsSentAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		next := func() *order.Dispatch {
			d, _, err := s.NextDispatch(phone, time.Minute, false)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		if err := addNotice(s, "phone", order.Notice{Kind: order.NoticeDelivered, Line: "delivered o1"}); err != nil {
			t.Fatal(err)
		}
		first := next()
		if err := addNotice(s, "phone", order.Notice{Kind: order.NoticeDelivered, Line: "delivered o2"}); err != nil {
			t.Fatal(err)
		}
		if d := next(); d != nil {
			t.Errorf("sent at once again: %+v", d)
		}
		time.Sleep(time.Minute)
		second := next()
		if first == nil || second == nil || second.ID != first.ID || second.Title != "delivered o1" || second.Tries != 2 {
			t.Fatalf("first %+v, then %+v", first, second)
		}
		if err := s.DispatchFailed(second.ID, "refused", time.Time{}); err != nil {
			t.Fatal(err)
		}
		if d := next(); d == nil || d.Title != "delivered o2" {
			t.Errorf("after a message that was given up: %+v", d)
		}
	})
}

func TestNoMoreMessagesInAnHourThanAllowed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		l := phone
		l.PerHour = 2
		var titles []string
		for range 6 {
			if err := addNotice(s, "phone", order.Notice{Kind: order.NoticeDelivered, Line: "delivered an order"}); err != nil {
				t.Fatal(err)
			}
			titles = append(titles, watch(t, s, l, 5*time.Minute)...)
		}
		titles = append(titles, watch(t, s, l, time.Hour)...)
		wantTitles(t, titles, "delivered an order", "delivered an order", "4 delivered")
	})
}

func TestQuietHoursHoldBackWhatIsNotUrgent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		if err := addNotice(s, "phone", order.Notice{Kind: order.NoticeDelivered, Line: "delivered o1"}); err != nil {
			t.Fatal(err)
		}
		if d, _, err := s.NextDispatch(phone, time.Minute, true); d != nil || err != nil {
			t.Errorf("sent %+v, %v", d, err)
		}
		if err := addNotice(s, "phone", order.Notice{Kind: order.NoticeAlert, Urgent: true, Line: "the key is refused"}); err != nil {
			t.Fatal(err)
		}
		if d, _, err := s.NextDispatch(phone, time.Minute, true); d == nil || err != nil {
			t.Errorf("nothing was sent: %v", err)
		}
	})
}

func TestADeliveryAndAMessageAreNews(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	linked := order.Listener{Name: "linked", News: order.AllNews(), Pages: "https://c.example/orders/"}
	s.Listen([]order.Listener{phone, linked, {Name: "quiet", News: []order.News{order.NewsDown}}})
	j := toDeliver(t, s, "o1")
	if err := s.Uploaded(j, 1, "https://x/a.png", "image"); err != nil {
		t.Fatal(err)
	}
	if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	thread := order.Thread{OrderID: "o1", Next: placed, Messages: []order.Message{
		{ID: "m1", Party: order.PartyClient, Text: "thank\nyou", At: time.Now()},
		{ID: "m2", Party: order.PartyClient, Text: "an old one", At: placed.Add(-400 * day)},
		{ID: "m3", Party: order.PartyAgent, Text: "ours", At: time.Now()},
	}}
	for range 2 {
		if _, err := s.ApplyThread(thread); err != nil {
			t.Fatal(err)
		}
	}
	d, _, err := s.NextDispatch(phone, time.Minute, false)
	if err != nil || d == nil || d.Title != "1 delivered, 1 message of a client" || !strings.Contains(d.Text, "delivered o1: Images") || !strings.Contains(d.Text, "the client of o1 wrote: thank you") || strings.Contains(d.Text, "://") {
		t.Errorf("sent %+v, %v", d, err)
	}
	if d, _, err := s.NextDispatch(linked, time.Minute, false); err != nil || d == nil || strings.Count(d.Text, "\n  https://c.example/orders/o1") != 2 {
		t.Errorf("with pages it is %+v, %v", d, err)
	}
	if d, _, err := s.NextDispatch(order.Listener{Name: "quiet"}, time.Minute, false); d != nil || err != nil {
		t.Errorf("the other target gets %+v, %v", d, err)
	}
}

// TestRulesAboutTimeFindWhatNoRowShows guards each rule, and that status shows what it
// found until it is over.
func TestRulesAboutTimeFindWhatNoRowShows(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *Store) {
		began := time.Now()
		f := facts("o1", order.Paid)
		f.CreatedAt = began // due an hour later
		apply(t, s, batch(f))
		done := facts("o2", order.Completed)
		price := 5 * order.Dollar
		done.Price, done.CompletedAt = &price, began
		apply(t, s, batch(done))
		if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Next: began, Messages: []order.Message{{ID: "m", Party: order.PartyClient, Text: "hello?", At: began}}}); err != nil {
			t.Fatal(err)
		}
		check := func() {
			if _, err := s.CheckAlerts(order.Watch{Began: began, PollWithin: 10 * time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		check()
		if got, want := needs(t, s), "order o1 late"; got != want {
			t.Errorf("at first %q needs the owner, want %q", got, want)
		}
		time.Sleep(49 * time.Hour)
		check()
		for _, want := range []string{"daemon unreachable held", "order o1 late", "order o1 unanswered", "daemon payout missing"} {
			if got := needs(t, s); !strings.Contains(got, want) {
				t.Errorf("later %q needs the owner, not %q", got, want)
			}
		}
		id, err := s.CountRequest(order.Request{Kind: order.RequestPoll}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AnswerRequest(id, order.Answer{Status: 200, At: time.Now()}, nil); err != nil {
			t.Fatal(err)
		}
		check()
		if got := needs(t, s); strings.Contains(got, "unreachable") {
			t.Errorf("after a poll %q needs the owner", got)
		}
	})
}
