package app

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// TestABountyIsClaimedAtTheConsole guards that one is claimed as the page has shown it, once.
func TestABountyIsClaimedAtTheConsole(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	id, err := d.market.PostBounty(sandbox.NewBounty{Title: "a poster", Brief: "a red <b>fox</b>", BudgetUSD: "20.00", DeadlineHours: 24})
	if err != nil {
		t.Fatal(err)
	}
	d.open("/bounties")
	d.market.SetDown(true)
	d.press("/bounties/read")
	d.shows("Nothing was done.", "not read since the start")
	d.market.SetDown(false)
	d.press("/bounties/read")
	d.shows("/bounties/"+id, "$20.00")

	d.open("/bounties/" + id)
	d.shows("a red &lt;b&gt;fox")
	form := url.Values{"service": {"Pictures"}, "message": {"I draw foxes"}}
	_, claim, _ := strings.Cut(d.page, `class="claim"`)
	for _, m := range hiddenField.FindAllStringSubmatch(claim, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	other := url.Values{"service": form["service"], "token": form["token"], "if": {"another"}}
	d.send(http.MethodPost, "/bounties/"+id, other)
	d.shows("Nothing was done.", "has changed since")
	d.market.SetDown(true)
	d.send(http.MethodPost, "/bounties/"+id, form)
	d.shows("Nothing was done.")
	d.market.SetDown(false)
	if n := len(d.market.Bounties()[0].Claims); n != 0 {
		t.Fatalf("the bounty has %d claims", n)
	}
	d.send(http.MethodPost, "/bounties/"+id, form)
	d.shows("Claimed.", "the client decides")
	d.send(http.MethodPost, "/bounties/"+id, form)
	d.shows("was claimed before")
	if n := len(d.market.Bounties()[0].Claims); n != 1 {
		t.Errorf("the bounty has %d claims", n)
	}
}

// TestAPayoutIsAskedForAgainAtTheConsole guards that it is asked for only where one is due.
func TestAPayoutIsAskedForAgainAtTheConsole(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	d.market.SetPayoutsFail(true)
	id, err := d.market.PlaceOrder(sandbox.NewOrder{Brief: "a red fox"})
	if err != nil {
		t.Fatal(err)
	}
	d.until("the order is delivered", func() bool { o, _ := d.market.Order(id); return o.Status == "delivered" })
	d.open("/money")
	form := url.Values{"order": {id}}
	_, rest, _ := strings.Cut(d.page, `name="token" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	form.Set("token", html.UnescapeString(token))
	d.send(http.MethodPost, "/money/payout", form)
	d.shows("Nothing was done.", "only completed orders are paid out")
	if err := d.market.Approve(id); err != nil {
		t.Fatal(err)
	}
	d.market.SetDown(true)
	d.send(http.MethodPost, "/money/payout", form)
	d.shows("Nothing was done.")
	d.market.SetDown(false)
	d.noted("asked for again by the owner", 0)
	d.market.SetPayoutsFail(false)
	d.send(http.MethodPost, "/money/payout", form)
	d.shows("Asked for.")
	d.noted("asked for again by the owner", 1)
	d.send(http.MethodPost, "/money/payout", form)
	d.shows("Nothing was done.", "is paid out already")
}

// TestAThreadIsReadForAnOwnerWhoAsks guards that a page asks the marketplace nothing, and that
// its button does.
func TestAThreadIsReadForAnOwnerWhoAsks(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	id, err := d.market.PlaceOrder(sandbox.NewOrder{Brief: "a red fox"})
	if err != nil {
		t.Fatal(err)
	}
	page := "/orders/" + id
	reads := func() (n int) {
		for _, r := range d.market.Requests() {
			if r.Method == http.MethodGet && strings.HasSuffix(r.Path, page+"/messages") {
				n++
			}
		}
		return n
	}
	readSince := func(before time.Time) func() bool {
		return func() bool {
			o, err := d.app.store.Order(t.Context(), id)
			// A poll that shows it delivered makes the thread due again.
			return err == nil && o.State == order.StateDelivered && o.Status == order.Delivered && o.ThreadReadAt.After(before) && o.ThreadDueAt.After(time.Now().Add(time.Minute))
		}
	}
	d.until("the order is delivered and its thread read", readSince(time.Time{}))
	// The reader waits for minutes once it has seen that no other thread is due.
	d.until("the reader waits", func() bool {
		o, err := d.app.store.Order(t.Context(), id)
		return err == nil && time.Since(o.ThreadReadAt) > 4*time.Second
	})
	if err := d.market.ClientMessage(id, "Could it look to the left?"); err != nil {
		t.Fatal(err)
	}
	before := reads()
	for _, each := range []string{page, "/inbox?order=" + id, page + "?reply=1"} {
		d.open(each)
		d.shows("read <time")
		if strings.Contains(d.page, "to the left") || reads() != before {
			t.Fatalf("%s has read the thread", each)
		}
	}
	d.open(page)
	asked := time.Now()
	d.press(page + "/read")
	d.shows("The thread is read next.")
	d.until("the thread is read", readSince(asked))
	d.open(page)
	d.shows("to the left")
}

// TestAReaderAtTheDeskMovesNothing guards that somebody who may look neither changes anything
// nor has the daemon ask anybody.
func TestAReaderAtTheDeskMovesNothing(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	id, err := d.market.PlaceOrder(sandbox.NewOrder{Brief: "a red fox"})
	if err != nil {
		t.Fatal(err)
	}
	d.until("the order is delivered", func() bool { o, _ := d.market.Order(id); return o.Status == "delivered" })
	s, _ := d.loop().look()
	if err := s.access.PutUser(t.Context(), "ben", "correct horse battery", access.Reader); err != nil {
		t.Fatal(err)
	}
	d.login("ben")
	d.sell(func(s *config.Service) { s.Price = 7 * order.Dollar })
	d.artist.set(order.Failf(order.Retry, order.CodeOutage, "the studio is on fire"), nil)
	asked := func() (list []string) { // polls go on
		for _, r := range d.market.Requests() {
			if r.Method != http.MethodGet || !strings.Contains(r.Path, "/orders") {
				list = append(list, r.Method+" "+r.Path)
			}
		}
		return list
	}
	before := asked()
	for _, page := range []string{"/services", "/generators", "/bounties", "/money", "/orders/" + id, "/inbox"} {
		d.open(page)
		_, rest, _ := strings.Cut(d.page, `name="token" value="`)
		token, _, _ := strings.Cut(rest, `"`)
		for _, form := range []string{
			"/services/compare", "/services/sync", "/services/pause", "/services/resume", "/generators/probe", "/generators/resume", "/generators/try",
			"/bounties/read", "/bounties/x", "/money/payout", "/pause", "/resume", "/orders/" + id + "/read", "/orders/" + id + "/reply",
		} {
			fields := url.Values{"token": {html.UnescapeString(token)}, "service": {"Pictures"}, "generator": {"studio"}, "prompt": {"x"}, "order": {id}, "text": {"x"}}
			if status := d.send(http.MethodPost, form, fields); status != http.StatusForbidden {
				t.Errorf("a reader posts to %s from %s: %d", form, page, status)
			}
		}
	}
	if after := asked(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the marketplace was asked %q", after[len(before):])
	}
	if pauses, err := d.app.store.Pauses(t.Context()); err != nil || len(pauses) != 0 || !d.app.reloader.Load().parts.Console.desk.Sample("studio").Began.IsZero() {
		t.Errorf("a reader has paused %v or had a sample made, %v", pauses, err)
	}
}
