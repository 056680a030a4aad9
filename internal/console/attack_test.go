package console

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/store/storetest"
)

// formsOf returns the address of each form that the console takes, as its source names them, so
// that no test can miss a new one. Orders and bounties have the id id.
func formsOf(tb testing.TB, id string) (list []string) {
	tb.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"POST (/[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			path := strings.ReplaceAll(m[1], "{id}", id)
			if !strings.Contains(path, "{act}") {
				list = append(list, strings.ReplaceAll(path, "{secret}", "none"))
				continue
			}
			for act := range orderActs {
				list = append(list, strings.ReplaceAll(path, "{act}", act))
			}
		}
	}
	if len(list) < 25 {
		tb.Fatalf("only %d forms were found: %v", len(list), list)
	}
	slices.Sort(list)
	return list
}

// besieged is a site where every form has something to act on: an order that waits for
// approval, and one for a price, with a service and a generator that are paused.
func besieged(t *testing.T) (s *site, d *deskOf, fields url.Values) {
	t.Helper()
	s, d = selling(t)
	s.waiting("ord_1")
	s.place(order.Facts{ID: "ord_2", Status: order.PendingQuote, Brief: "a mural"})
	if err := s.store.SetAlert(order.GeneratorAlert("flux"), "no credit left"); err != nil {
		t.Fatal(err)
	}
	d.plan = Plan{Changes: 1, Fingerprint: "one"}
	fields = s.form("ord_1", "approve")
	for name, value := range map[string]string{
		"service": "Images", "generator": "flux", "prompt": "a fox", "order": "ord_1", "price": "15.00", "instructions": "bluer", "text": "hello", "reason": "no", "sql": "SELECT 1", "message": "mine",
	} {
		fields.Set(name, value)
	}
	return s, d, fields
}

// TestAStolenReadersSessionChangesNothing tries each form of the console with the session and
// the token of somebody who may only read, and with what an owner's page has shown.
func TestAStolenReadersSessionChangesNothing(t *testing.T) {
	t.Parallel()
	s, d, fields := besieged(t)
	s.reads()
	fields.Set("token", s.token())
	before := storetest.Dump(t, s.dir)
	harmless := map[string]bool{"/history": true, "/history.csv": true, "/theme": true, "/login": true, "/login/none": true, "/logout": true}
	for _, id := range []string{"ord_1", "ord_2", "bnt_1"} {
		for _, path := range formsOf(t, id) {
			for _, print := range []string{fields.Get("if"), "one"} {
				fields.Set("if", print)
				if a := s.send(http.MethodPost, path, fields); harmless[path] != (a.StatusCode != http.StatusForbidden) {
					t.Errorf("%s: status %d\n%.200s", path, a.StatusCode, a.body)
				}
				if path == "/logout" || path == "/login" {
					s.want(s.send(http.MethodPost, "/login", url.Values{"name": {"ben"}, "password": {password}}), http.StatusSeeOther)
					fields.Set("token", s.token())
				}
			}
		}
	}
	if after := storetest.Dump(t, s.dir); after != before {
		t.Errorf("the ledger has changed from\n%s\nto\n%s", before, after)
	}
	if len(d.asked) > 0 {
		t.Errorf("the marketplace or a provider was asked: %q", d.asked)
	}
}

// TestNoFormActsForAnotherSite tries each form with the session of an owner as a page of
// another site can: with a token that it has found out, by a name that leads here, or without
// a token. It then shows that an owner's own form does act.
func TestNoFormActsForAnotherSite(t *testing.T) {
	t.Parallel()
	s, d, fields := besieged(t)
	before := storetest.Dump(t, s.dir)
	ways := map[string]struct {
		status int
		change func(*http.Request)
	}{
		"another site":         {http.StatusForbidden, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"another port":         {http.StatusForbidden, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		"an older browser":     {http.StatusForbidden, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://127.0.0.1:1") }},
		"a name that is ours":  {http.StatusMisdirectedRequest, func(r *http.Request) { r.Host = "rebound.example" }},
		"a name with our port": {http.StatusMisdirectedRequest, func(r *http.Request) { r.Host = "rebound.example:" + r.URL.Port() }},
	}
	for name, way := range ways {
		for _, path := range formsOf(t, "ord_1") {
			if a := s.send(http.MethodPost, path, fields, way.change); a.StatusCode != way.status {
				t.Errorf("%s, %s: status %d, want %d", path, name, a.StatusCode, way.status)
			}
		}
	}
	for _, path := range []string{"/", "/orders", "/orders/ord_1", "/login", "/live?on=/", "/money.csv", "/mcp", "/static/x/console.css"} {
		if a := s.send(http.MethodGet, path, nil, ways["a name that is ours"].change); a.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s is shown to a page that has a name of its own: %d", path, a.StatusCode)
		}
	}
	none := url.Values{"if": fields["if"], "order": {"ord_1"}, "service": {"Images"}}
	for _, path := range formsOf(t, "ord_1") {
		if !strings.HasPrefix(path, "/login") {
			s.want(s.send(http.MethodPost, path, none), http.StatusForbidden)
		}
	}
	if after := storetest.Dump(t, s.dir); after != before || len(d.asked) > 0 {
		t.Errorf("the ledger has changed from\n%s\nto\n%s\nasked was %q", before, after, d.asked)
	}
	s.want(s.press("ord_1", "approve", fields), http.StatusSeeOther)
	if storetest.Dump(t, s.dir) == before {
		t.Error("the form of the owner does nothing; the test looks at too little")
	}
}

// TestOversizedRequestsAreRefused guards the memory and the ledger: forms, headers and
// addresses that are too large are answered with a refusal, and the owner's next page works.
func TestOversizedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s, d, fields := besieged(t)
	before := storetest.Dump(t, s.dir)
	large := url.Values{"token": fields["token"], "if": fields["if"], "text": {strings.Repeat("x", maxForm)}}
	many := url.Values{"token": fields["token"], "if": fields["if"]}
	for i := range 10_000 {
		many.Set(fmt.Sprint("f", i), "x")
	}
	for _, path := range formsOf(t, "ord_1") {
		for _, form := range []url.Values{large, many} {
			if a := s.send(http.MethodPost, path, form); a.StatusCode != http.StatusBadRequest && !strings.HasPrefix(path, "/login/") {
				t.Errorf("%s takes %d KB: status %d", path, len(form.Encode())>>10, a.StatusCode)
			}
		}
		a := s.send(http.MethodPost, path, nil, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") })
		if a.StatusCode < 400 {
			t.Errorf("%s takes a form in parts: status %d", path, a.StatusCode)
		}
	}
	long := strings.Repeat("x", 10<<10)
	for _, path := range []string{"/orders?q=", "/orders?client=", "/orders?older=", "/orders/", "/inbox?order=", "/money?month=", "/history?example=", "/bounties/", "/live?on=/", "/files/1/", "/"} {
		if a := s.get(path + long); a.StatusCode >= 500 || strings.Contains(path, "?q=") && a.StatusCode != http.StatusOK {
			t.Errorf("%s with 10 KB: status %d", path, a.StatusCode)
		}
	}
	if after := storetest.Dump(t, s.dir); after != before || len(d.asked) > 0 {
		t.Errorf("the ledger has changed; asked was %q", d.asked)
	}
	s.want(s.get("/"), http.StatusOK, "jo, owner")
}
