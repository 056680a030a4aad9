package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// logged returns a log and a function that returns what was logged since its last call: the
// text and the attributes of each line.
func logged() (*slog.Logger, func() []string) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
	return log, func() []string {
		defer b.Reset()
		return strings.Split(strings.TrimSpace(b.String()), "\n")
	}
}

func wantSaid(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWhatAnOwnerWaitsForIsLoggedOnce guards that each line comes after the commit, and not
// again for what is read again.
func TestWhatAnOwnerWaitsForIsLoggedOnce(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) { saidOfAnOrder(t, dir) })
}

func saidOfAnOrder(t *testing.T, dir string) {
	log, lines := logged()
	s := openNew(t, Options{Dir: dir, Log: log})
	lines()
	j := toDeliver(t, s, "o1")
	wantSaid(t, lines(), `msg="an order came in" order=o1 service=Images price=none brief="a cat on a roof"`)
	if err := s.Uploaded(j, 1, "https://x/a.png", "image"); err != nil {
		t.Fatal(err)
	}
	if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(177 * time.Second)
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed}})
	wantSaid(t, lines(), `msg=delivered order=o1 service=Images round=0 price=none in=2m57s`)
	thread := order.Thread{OrderID: "o1", Next: placed, Messages: []order.Message{
		{ID: "m1", Party: order.PartyClient, Text: "thank\nyou " + strings.Repeat("so ", 100) + "much", At: time.Now()},
		{ID: "m2", Party: order.PartyClient, Text: "an old one", At: time.Now().Add(-400 * day)},
		{ID: "m3", Party: order.PartyAgent, Text: "ours", At: time.Now()},
	}}
	for range 2 {
		if _, err := s.ApplyThread(thread); err != nil {
			t.Fatal(err)
		}
	}
	wantSaid(t, lines(), `msg="the client wrote" order=o1 text="thank you `+strings.Repeat("so ", 23)+`s…"`)
	price, fee := 5*order.Dollar, order.Dollar/2
	for _, c := range []struct {
		status order.Status
		want   string
	}{
		{order.Disputed, `msg="the client sent the work back" order=o1 status=disputed`},
		{order.Completed, `msg="the order is completed" order=o1 price=$5.00 net=$4.50`},
	} {
		f := facts("o1", c.status)
		f.Price, f.Fee = &price, &fee
		for range 2 {
			apply(t, s, batch(f))
		}
		wantSaid(t, lines(), c.want)
	}
}

func TestAFailedTransactionLogsNothing(t *testing.T) {
	t.Parallel()
	log, lines := logged()
	s := openNew(t, Options{Log: log, Hook: func(point string) error {
		if point == "after:lost" {
			return errors.New("no")
		}
		return nil
	}})
	lines()
	for name, err := range map[string]error{"refused": errors.New("no"), "lost": nil} {
		if err := s.write(name, func(t *tx) error {
			t.says(func(log *slog.Logger) { log.Info("not committed") })
			return err
		}); err == nil {
			t.Fatal("no error")
		}
	}
	wantSaid(t, lines(), "")
}

// TestADeliveryThatAPollFindsIsNews guards a delivery that was given up without an answer,
// and which a listing then shows.
func TestADeliveryThatAPollFindsIsNews(t *testing.T) {
	t.Parallel()
	log, lines := logged()
	s := openNew(t, Options{Log: log})
	s.Listen([]order.Listener{phone})
	j := toDeliver(t, s, "o1")
	if err := s.Uploaded(j, 1, "https://x/a.png", "image"); err != nil {
		t.Fatal(err)
	}
	if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
		t.Fatal(err)
	}
	lines()
	for range 2 {
		b := batch(facts("o1", order.Delivered))
		b.Decide = func(k order.Known, f order.Facts) order.Decision {
			d := decide(k, f)
			if k.Delivery == order.DeliverySending {
				d.Jobs = order.JobsDelivered
			}
			return d
		}
		apply(t, s, b)
	}
	if got := lines(); len(got) != 1 || !strings.HasPrefix(got[0], "msg=delivered order=o1 ") {
		t.Errorf("logged %q", got)
	}
	if d, _, err := s.NextDispatch(phone, time.Minute, false); err != nil || d == nil || d.Title != "delivered o1: Images" {
		t.Errorf("sent %+v, %v", d, err)
	}
}

func TestAListingOfManyOrdersIsLoggedInFewLines(t *testing.T) {
	t.Parallel()
	log, lines := logged()
	s := openNew(t, Options{Log: log})
	lines()
	var list []order.Facts
	for i := range 100 {
		list = append(list, facts(fmt.Sprintf("o%d", i), order.Paid))
	}
	list = append(list, facts("ended", order.Completed))
	apply(t, s, batch(list...))
	got := lines()
	if len(got) != mostCame+1 || got[mostCame] != `msg="orders came in" orders=100 not_named=80` {
		t.Errorf("logged %d lines, at last %s", len(got), got[len(got)-1])
	}
}
