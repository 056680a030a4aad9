package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
)

// TestAThreadSaysHowOldItIs guards the pages that show what a client wrote: they say when it
// was read, and when it should have been.
func TestAThreadSaysHowOldItIs(t *testing.T) {
	t.Parallel()
	woken := 0
	s := newSite(t, func(o *Options) { o.Wake = func() { woken++ } })
	s.cfg.Messages = config.Messages{Interval: 30 * time.Minute}
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_1", Status: order.Paid, Brief: "a cat"})
	pages := []string{"/orders/ord_1", "/inbox?order=ord_1"}
	for _, page := range pages {
		s.want(s.get(page), http.StatusOK, "not read yet", `action="/orders/ord_1/read"`)
	}
	now := time.Now()
	if _, err := s.store.ApplyThread(order.Thread{OrderID: "ord_1", Next: now.Add(26 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	const old = "What the client has written since is missing here."
	age := func(read, due time.Duration) {
		t.Helper()
		const form = "2006-01-02T15:04:05.000Z"
		s.exec(`UPDATE orders SET thread_read_at = ?, thread_due_at = ?`, now.Add(-read).UTC().Format(form), now.Add(due).UTC().Format(form))
	}
	for _, each := range []struct {
		read, due time.Duration
		text      string
		old       bool
	}{
		{10 * time.Second, 30 * time.Minute, "just now</time>", false},
		{4*time.Minute + 5*time.Second, 26 * time.Minute, "4 min ago</time>", false},
		{40 * time.Minute, -time.Minute, "40 min ago</time>", false},
		{40 * time.Minute, -10 * time.Minute, "40 min ago</time>", true},
		{3*time.Hour + 5*time.Minute, time.Minute, "3 h 5 m ago</time>", true},
	} {
		age(each.read, each.due)
		for _, page := range pages {
			a := s.get(page)
			if s.want(a, http.StatusOK, each.text); strings.Contains(a.body, old) != each.old {
				t.Errorf("%s of a thread that was read %s ago says that it is old: %v", page, each.read, !each.old)
			}
		}
	}
	s.want(s.get("/inbox"), http.StatusOK, "No thread is older than <span")
	a := s.press("ord_1", "read", s.form("ord_1", "read"))
	s.want(a, http.StatusSeeOther)
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, "The thread is read next.")
	if h := s.read("ord_1"); time.Until(h.Thread.NextRead) > 0 || woken != 1 {
		t.Errorf("after the owner asked the thread is due at %s, and the daemon was woken %d times", h.Thread.NextRead, woken)
	}
	s.place(order.Facts{ID: "ord_1", Status: order.Completed, Brief: "a cat", Raw: []byte(`{"status":"completed"}`)})
	for _, page := range pages {
		if body := s.get(page).body; strings.Contains(body, `action="/orders/ord_1/read"`) || strings.Contains(body, old) || !strings.Contains(body, "read <time") {
			t.Errorf("%s of an order that has ended offers to read its thread, or does not say when it was", page)
		}
	}
}

// TestAPageSaysThatTheMarketplaceDoesNotAnswer guards that what is shown is not taken for the
// present.
func TestAPageSaysThatTheMarketplaceDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_1", Status: order.Paid, Brief: "a cat"})
	const says = "The marketplace has not answered for"
	if strings.Contains(s.get("/orders/ord_1").body, says) {
		t.Error("a marketplace that was not asked does not answer")
	}
	s.exec(`INSERT INTO requests (at, kind, status) VALUES (?, 'poll', 200)`, time.Now().Add(-130*time.Minute).UTC().Format("2006-01-02T15:04:05.000Z"))
	for _, page := range []string{"/orders/ord_1", "/inbox"} {
		s.want(s.get(page), http.StatusOK, says+" 2 h 10 m.")
	}
}
