package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// deskOf is a desk that notes what it was asked for. What it does for real is tried with the
// whole program.
type deskOf struct {
	Desk
	asked []string
	err   error
	plan  Plan
	tasks Tasks
	made  Sample
}

func (d *deskOf) AskPayout(_ context.Context, by order.Actor, id string) error {
	d.asked = append(d.asked, string(by)+" payout "+id)
	return d.err
}

// earned is a site with an order that is paid out, one whose payout failed, and one that was
// cancelled after it had cost something.
func earned(t *testing.T, d Desk) *site {
	t.Helper()
	s := newSite(t, func(o *Options) { o.Desk = d })
	now := time.Now()
	for id, service := range map[string]string{"ord_1_aaaaaaaa": "Images", "ord_2_bbbbbbbb": hostile} {
		s.place(order.Facts{ID: id, Status: order.Completed, ServiceTitle: service, Price: dollars(10), CompletedAt: now, ClientWallet: "0xabcd"})
	}
	s.exec("UPDATE orders SET payout_tx = '0x1', payout_at = completed_at WHERE id = 'ord_1_aaaaaaaa'")
	s.exec("INSERT INTO events (at, order_id, kind, text) VALUES (?, 'ord_2_bbbbbbbb', 'payout failed', ?)", now.UTC().Format("2006-01-02T15:04:05.000Z"), hostile)
	for _, id := range []string{"ord_1_aaaaaaaa", "ord_2_bbbbbbbb"} {
		s.exec("INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts) VALUES (?, ?, 'delivery', 'flux', 250000, 0, 1)", now.UTC().Format(time.DateOnly), id)
	}
	s.place(order.Facts{ID: "ord_3_cccccccc", Status: "cancelled", ServiceTitle: "Images", Price: dollars(10), ClientWallet: "0xabcd"})
	s.exec("INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts) VALUES (?, 'ord_3_cccccccc', 'delivery', 'flux', 100000, 0, 1)", now.UTC().Format(time.DateOnly))
	s.want(s.link(), http.StatusSeeOther)
	return s
}

func TestMoneyIsAddedUp(t *testing.T) {
	t.Parallel()
	d := &deskOf{}
	s := earned(t, d)
	for _, time := range []string{"", "?time=30d", "?time=12m", "?time=all"} {
		a := s.get("/money" + time)
		s.want(a, http.StatusOK, "$18.00", "$0.60", "$17.40", "$0.10 of what was spent", "$0.50", "$17.50", "A payout failed: $9.00", "By service", "By generator", "By month", "&lt;script&gt;", "Ask for it again")
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img") {
			t.Error("a text of a client is markup")
		}
	}
	s.want(s.get("/money"), http.StatusOK, "By client", "0xabcd")
	s.want(s.get("/money?time=7d"), http.StatusNotFound)
	s.want(s.post("/money/payout", url.Values{"order": {"ord_2_bbbbbbbb"}}), http.StatusSeeOther)
	s.want(s.get("/money?asked=payout"), http.StatusOK, "Asked for.")
	if len(d.asked) != 1 || d.asked[0] != "console:jo payout ord_2_bbbbbbbb" {
		t.Errorf("asked was %q", d.asked)
	}
	d.err = errors.New("order x is paid out already")
	s.want(s.post("/money/payout", url.Values{"order": {"x"}}), http.StatusOK, "Nothing was done.", "Order x is paid out already.")
	s.want(s.send(http.MethodPost, "/money/payout", url.Values{"order": {"x"}}), http.StatusForbidden)
	s.reads()
	a := s.get("/money")
	s.want(a, http.StatusOK, "A payout failed")
	if strings.Contains(a.body, "/money/payout") {
		t.Error("a reader sees a form")
	}
	s.want(s.post("/money/payout", url.Values{"order": {"x"}}), http.StatusForbidden)
	if len(d.asked) != 2 {
		t.Errorf("asked was %q", d.asked)
	}
}

func TestMoneyBeforeTheFirstOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.want(s.get("/money"), http.StatusOK, "Nothing earned or spent yet")
}

// TestTheFilesAreThoseOfTheCommand guards that a page and a command have the same accounts.
func TestTheFilesAreThoseOfTheCommand(t *testing.T) {
	t.Parallel()
	s := earned(t, nil)
	reader := view.Reader{Config: func() *config.Config { return s.cfg }, Store: s.store}
	first := time.Now().UTC().AddDate(0, 0, -29).Format(time.DateOnly)
	for _, by := range []string{"day", "month", "service", "client", "generator", "order"} {
		when, err := view.NewPeriod(time.UTC, first, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		e, err := reader.Earnings(t.Context(), by, when)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := e.WriteCSV(&want); err != nil {
			t.Fatal(err)
		}
		a := s.get("/money.csv?time=30d&by=" + by)
		s.want(a, http.StatusOK)
		if a.body != want.String() || strings.Count(a.body, "\n") < 2 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
			t.Errorf("by %s the file is\n%s\nwant\n%s", by, a.body, want.String())
		}
	}
	s.want(s.get("/money.csv?by=provider"), http.StatusNotFound)
	s.want(s.get("/money.csv?by=day&time=x"), http.StatusNotFound)
}

// TestTheAssistantIsComparedWithWorkWithoutIt guards the line below the generators.
func TestTheAssistantIsComparedWithWorkWithoutIt(t *testing.T) {
	t.Parallel()
	s := earned(t, &deskOf{})
	if a := s.get("/money"); strings.Contains(a.body, "Sent back with") {
		t.Error("without an assistant there is a comparison")
	}
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	for i, id := range []string{"ord_1_aaaaaaaa", "ord_2_bbbbbbbb"} {
		s.exec("INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at) VALUES (?, 0, 'confirmed', '[]', 1, ?, ?)", id, at, at)
		s.exec("UPDATE orders SET round = ? WHERE id = ?", i, id)
	}
	s.exec("INSERT INTO prompts (order_id, kind, round, take, prompt, requirements, note, created_at) VALUES ('ord_1_aaaaaaaa', 'delivery', 0, 1, 'a fox', '[]', '', ?)", at)
	s.want(s.get("/money"), http.StatusOK, "Sent back with the assistant: 0 of 1 round (0.0 %); without it: 1 of 1 round (100.0 %).")
}
