package announce

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/notify"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// lives runs announcers one after the other on one database, from 00:00 UTC on the first
// of January 2000 on. Between two lives nobody runs.
type lives struct {
	*testing.T
	s *store.Store
	p *phone
	Target
}

// life lets an announcer run for a while and returns the titles that were sent.
func (l *lives) life(d time.Duration) string {
	l.Helper()
	before := len(l.p.received())
	a := New(Options{
		Store: l.s, Agent: "Studio", Ledger: "l1", Log: slog.New(slog.DiscardHandler),
		Clean: func(text string) string { return text }, Targets: []Target{l.Target},
	})
	ctx, stop := context.WithTimeout(l.Context(), d)
	defer stop()
	must(l.T, a.Run(ctx))
	return l.titles(before)
}

func (l *lives) titles(from int) string {
	var titles []string
	for _, m := range l.p.received()[from:] {
		titles = append(titles, strings.TrimPrefix(m.Title, "Studio: "))
	}
	return strings.Join(titles, "\n")
}

func (l *lives) want(got, want string) {
	l.Helper()
	if got != want {
		l.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

func living(t *testing.T, zone string, f func(l *lives)) {
	t.Helper()
	dir := storetest.Dir(t)
	place, err := time.LoadLocation(zone)
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: dir})
		must(t, err)
		defer s.Close()
		p := &phone{}
		f(&lives{T: t, s: s, p: p, Target: Target{
			Listener: order.Listener{Name: "phone", News: []order.News{order.NewsDigest}}, To: p,
			Digest: order.DigestTime{At: 8 * time.Hour, Zone: place},
		}})
	})
}

const (
	nothing = ": nothing happened; open: no order"
	day     = 24 * time.Hour
)

func TestADigestIsSentOnceADayAlsoAcrossRestarts(t *testing.T) {
	t.Parallel()
	living(t, "Europe/Berlin", func(l *lives) {
		l.want(l.life(6*time.Hour+59*time.Minute), "") // until 07:59 in Berlin
		l.want(l.life(2*time.Minute), "Friday, 31 December"+nothing)
		l.want(l.life(time.Hour), "")
		l.want(l.life(day), "Saturday, 1 January"+nothing)
		l.want(l.life(day), "Sunday, 2 January"+nothing)
	})
}

func TestATargetThatIsNewAfterItsTimeGetsTheNextDay(t *testing.T) {
	t.Parallel()
	living(t, "UTC", func(l *lives) {
		time.Sleep(10 * time.Hour)
		l.want(l.life(20*time.Hour), "")
		l.want(l.life(3*time.Hour), "Saturday, 1 January"+nothing)
	})
}

// TestLateDigestsNameTheirDays guards a machine that was asleep: the last two days are sent,
// in one message.
func TestLateDigestsNameTheirDays(t *testing.T) {
	t.Parallel()
	living(t, "UTC", func(l *lives) {
		l.want(l.life(9*time.Hour), "Friday, 31 December"+nothing)
		time.Sleep(4 * day)
		l.want(l.life(time.Hour), "2 daily summaries")
		if got, want := l.p.received()[1].Text, "Monday, 3 January"+nothing+"\nTuesday, 4 January"+nothing; got != want {
			l.Errorf("the text is %q, want %q", got, want)
		}
	})
}

func TestADigestIsSentAgainAfterAnOutage(t *testing.T) {
	t.Parallel()
	living(t, "UTC", func(l *lives) {
		l.p.set(&notify.Failure{Kind: notify.Later, Reason: "no answer"})
		l.want(l.life(12*time.Hour), "")
		l.p.set(nil)
		l.want(l.life(2*time.Hour), "Friday, 31 December"+nothing)
		l.want(l.life(10*time.Hour), "")
	})
}

// TestDigestsComeAtTheirTimeWhenClocksAreChanged guards a day of 23 hours and one of 25.
func TestDigestsComeAtTheirTimeWhenClocksAreChanged(t *testing.T) {
	t.Parallel()
	living(t, "Europe/Berlin", func(l *lives) {
		for _, change := range []time.Time{time.Date(2000, 3, 26, 0, 0, 0, 0, time.UTC), time.Date(2000, 10, 29, 0, 0, 0, 0, time.UTC)} {
			time.Sleep(time.Until(change.Add(-day)))
			l.life(12 * time.Hour) // what was missed
			before := len(l.p.received())
			l.life(2 * day)
			for _, m := range l.p.received()[before:] {
				if clock := m.At.In(l.Digest.Zone).Format("15:04"); clock != "08:00" && clock != "08:01" {
					l.Errorf("%s was sent at %s", m.Title, clock)
				}
			}
			if n := len(l.p.received()) - before; n != 2 {
				l.Errorf("%d were sent in two days near %s", n, change)
			}
		}
	})
}

// A digest waits for the end of quiet hours, and a target that takes other news gets none.
func TestADigestIsNotUrgentAndOnlyForWhoWantsIt(t *testing.T) {
	t.Parallel()
	living(t, "UTC", func(l *lives) {
		l.Quiet = func(at time.Time) bool { return at.Hour() < 10 }
		l.want(l.life(9*time.Hour), "")
		l.want(l.life(2*time.Hour), "Friday, 31 December"+nothing)
		if l.p.received()[0].Urgent {
			l.Error("it is urgent")
		}
		l.News = []order.News{order.NewsDown}
		l.want(l.life(2*day), "")
	})
}
