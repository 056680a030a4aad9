package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
)

func TestTheFirstPageSaysWhatIsMissingBeforeTheFirstOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	a := s.get("/")
	s.want(a, http.StatusOK, "Not ready yet", "Ready to sell", "The marketplace has not answered yet", "atelierd doctor", "Nothing delivered yet")
	if strings.Contains(a.body, "Being made") {
		t.Error("the first page shows work before there is any")
	}
}

func TestNowShowsWhatNeedsTheOwnerFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_quote_22222222", Status: order.PendingQuote, Brief: "a birthday garden"})
	s.place(order.Facts{ID: "ord_mural_33333333", Status: order.Paid, ServiceTitle: "Murals", Brief: "a whale", Price: dollars(40), CreatedAt: time.Now().Add(-2 * time.Hour)})
	s.review("ord_relief_11111111", "A canyon of paper layers\nand more")
	a := s.get("/")
	s.want(a, http.StatusOK, "<title>3 need you · Night &lt;Garden&gt;</title>", "3 things need you.", "Images waits for your yes", "A canyon of paper layers",
		"Name a price", "No service fits an order", `href="/orders/ord_relief_11111111"`, "$12.00", "due in", `<span class="unseen"> need you</span>`)
	if n := strings.Count(a.body, `class="button main"`); n != 1 {
		t.Errorf("the page has %d filled buttons, want 1", n)
	}
	first, second, third := strings.Index(a.body, "No service fits"), strings.Index(a.body, "waits for your yes"), strings.Index(a.body, "waits for a price")
	if first < 0 || first > second || second > third {
		t.Errorf("the rows are not by deadline and then prices: %d %d %d", first, second, third)
	}
	if strings.Contains(a.body, "and more") {
		t.Error("a row shows more than the first line of the brief")
	}
}

func TestNowFoldsAfterFiveRowsAndNamesTheRest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		s.place(order.Facts{ID: "ord_" + id, Status: order.PendingQuote, Brief: "brief " + id})
	}
	a := s.get("/")
	s.want(a, http.StatusOK, "7 things need you.", "2 more: Images waits for a price, Images waits for a price", `data-fold="rest"`)
	needs := a.body[strings.Index(a.body, "Needs you"):]
	if n := strings.Count(needs[:strings.Index(needs, "<details")], "<li"); n != mostNeeds {
		t.Errorf("%d rows are shown, want %d", n, mostNeeds)
	}
}

func TestManyNeedsDoNotFillThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	for i := range mostNeeds + mostFolded + 3 {
		s.place(order.Facts{ID: fmt.Sprintf("ord_%d", i), Status: order.PendingQuote, Brief: "a brief"})
	}
	a := s.get("/")
	s.want(a, http.StatusOK, "23 things need you.", "3 more in the list of orders")
	if n := strings.Count(a.body, "Name a price"); n != mostNeeds+mostFolded {
		t.Errorf("%d rows are on the page, want %d", n, mostNeeds+mostFolded)
	}
}

func TestNowShowsWhatIsBeingMade(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_fox", Status: order.Paid, Brief: "a fox in the forest"})
	s.want(s.get("/"), http.StatusOK, "Nothing needs you", "1 order is in work", "a fox in the forest", "nothing is spent meanwhile")
}

func TestPauseStopsAllWorkAndResumeEndsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_fox", Status: order.Paid, Brief: "a fox"})
	form := url.Values{"token": {s.token()}}
	s.want(s.send(http.MethodPost, "/pause", form), http.StatusSeeOther)
	s.want(s.get("/"), http.StatusOK, "Paused. One thing needs you.", "All work is paused", "by console:jo", `action="/resume"`)
	if body := s.get("/").body; strings.Contains(body, `action="/pause"`) {
		t.Error("a page of paused work offers to pause it")
	}
	for range 2 { // somebody else may be first
		s.want(s.send(http.MethodPost, "/resume", form), http.StatusSeeOther)
	}
	s.want(s.get("/"), http.StatusOK, "Running well. Nothing needs you.", `action="/pause"`)
}

// pauses has an owner pause all work.
func (s *site) pauses(reason string) error {
	return s.actions.Pause(order.Pause{Reason: reason}, nil)
}

// reader logs in somebody who may only look.
func (s *site) reader() {
	s.Helper()
	if err := s.access.PutUser(s.Context(), "ben", password, access.Reader); err != nil {
		s.Fatal(err)
	}
	s.client = browser(s.T)
	s.want(s.send(http.MethodPost, "/login", url.Values{"name": {"ben"}, "password": {password}}), http.StatusSeeOther)
}

var postForm = regexp.MustCompile(`<form[^>]*method="post"[^>]*action="([^"]+)"`)

func TestReadersSeeNoForms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.review("ord_relief", "a canyon")
	if err := s.pauses("all is well"); err != nil {
		t.Fatal(err)
	}
	s.reader()
	for _, path := range []string{"/", "/orders"} {
		a := s.get(path)
		s.want(a, http.StatusOK, "ben, reader")
		for _, m := range postForm.FindAllStringSubmatch(a.body, -1) {
			if m[1] != "/logout" && m[1] != "/theme" {
				t.Errorf("%s shows a reader the form %s", path, m[1])
			}
		}
	}
	token := url.Values{"token": {s.token()}}
	for _, path := range []string{"/pause", "/resume"} {
		s.want(s.send(http.MethodPost, path, token), http.StatusForbidden, "for an owner")
	}
}

func TestAClientWhoWaitsHasARowWithItsWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_moon", Status: order.Paid, Brief: "a moon"})
	s.exec("INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at) VALUES ('ord_moon', 'm1', 'client', '', 'could it be larger?', ?, ?)",
		time.Now().Add(-41*time.Minute).UTC().Format("2006-01-02T15:04:05.000Z"), time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	s.want(s.get("/"), http.StatusOK, "One thing needs you.", "A client waits for an answer", "could it be larger?", "41 min", `href="/orders/ord_moon#thread"`,
		`<span class="unseen"> wait for an answer</span>`)
}

func TestTheMonthIsPlotted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	if strings.Contains(s.get("/").body, "<figure") {
		t.Error("a month without anything is plotted")
	}
	s.cfg.Spending.Day = 5 * order.Dollar
	s.place(order.Facts{ID: "ord_done", Status: order.Completed, Brief: "a fox", Price: dollars(40), CompletedAt: time.Now().Add(-time.Minute)})
	s.exec("INSERT INTO books VALUES (?, '', 'sample', 'flux', 1500000, 0, 1)", time.Now().UTC().Format(time.DateOnly))
	a := s.get("/")
	s.want(a, http.StatusOK, "30 days", "$34.50", "$1.50", `role="img"`, "cap of a day, $5.00", "earned, after the fee in 30 days: $36.00; the most in a day is $36.00",
		"Spent of the cap")
	if n := strings.Count(a.body, "<title>"); n != 1+2*30 {
		t.Errorf("the plots have %d titles of bars, want 60", n-1)
	}
}
