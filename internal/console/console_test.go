package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/view"
)

const password = "correct horse battery"

// site is a console that listens, with a browser's cookies.
type site struct {
	*testing.T
	access  *access.Access
	store   *store.Store
	cfg     *config.Config
	actions *owner.Actions
	dir     string
	url     string
	client  *http.Client
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	dir := storetest.Dir(t)
	a, err := access.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{
		DataDir: dir, Budget: config.Budget{Window: time.Hour, Poll: 30, Upload: 30, Deliver: 30}, Work: config.Work{MaxAttempts: 3, Generators: 2},
		Services: []config.Service{{Title: "Images", Generator: "flux"}},
	}
	actions, err := owner.Open(owner.Options{
		Dir: dir, By: "console", Services: func() []string { return []string{"Images", "Videos"} },
		Decide: func(context.Context, *store.Store) (owner.Decide, error) { return decide, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Access: a, Agent: func() string { return "Night <Garden>" }, Zone: func() *time.Location { return time.UTC },
		Hosts: []string{"console.example.com"}, Name: "test", Version: st.Version, Log: slog.New(slog.DiscardHandler),
		View: view.Reader{Config: func() *config.Config { return cfg }, Store: st}, Owner: actions, Wake: func() {},
	}
	for _, f := range change {
		f(&o)
	}
	server := httptest.NewServer(New(o))
	t.Cleanup(func() { server.Close(); actions.Close(); a.Close(); st.Close() })
	return &site{t, a, st, cfg, actions, dir, server.URL, browser(t)}
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a request got.
type answer struct {
	*http.Response
	body string
}

// send sends a request with the headers of a browser whose page is from here.
func (s *site) send(method, path string, form url.Values, change ...func(*http.Request)) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range change {
		f(r)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{res, string(body)}
}

func (s *site) get(path string) answer { s.Helper(); return s.send(http.MethodGet, path, nil) }

// link logs in by a new link.
func (s *site) link() answer {
	s.Helper()
	secret, err := s.access.NewLink(s.Context(), "jo")
	if err != nil {
		s.Fatal(err)
	}
	return s.send(http.MethodPost, "/login/"+secret, nil)
}

var hiddenToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// token returns what the forms of this log-in carry.
func (s *site) token() string {
	s.Helper()
	m := hiddenToken.FindStringSubmatch(s.get("/").body)
	if m == nil {
		s.Fatal("the page has no token")
	}
	return m[1]
}

func (s *site) want(a answer, status int, texts ...string) {
	s.Helper()
	if a.StatusCode != status {
		s.Errorf("%s %s: status %d, want %d\n%.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			s.Errorf("%s %s lacks %q\n%.600s", a.Request.Method, a.Request.URL.Path, text, a.body)
		}
	}
}

func TestALinkOpensAPageWithOneButton(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.get("/"), http.StatusSeeOther)
	secret, err := s.access.NewLink(t.Context(), "jo")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a preview of a chat looks at it, too
		s.want(s.get("/login/"+secret), http.StatusOK, "<button", "Night &lt;Garden&gt;")
	}
	a := s.send(http.MethodPost, "/login/"+secret, nil)
	s.want(a, http.StatusSeeOther)
	cookie := a.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}
	s.want(s.get("/"), http.StatusOK, "jo, owner")
	s.client = browser(t)
	s.want(s.send(http.MethodPost, "/login/"+secret, nil), http.StatusGone, "was used")
	s.want(s.get("/"), http.StatusSeeOther)
}

func TestAPasswordLeadsToThePageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.access.PutUser(t.Context(), "ben", password, access.Reader); err != nil {
		t.Fatal(err)
	}
	to := s.get("/orders/ord_1?round=2").Header.Get("Location")
	if to != "/login?next="+url.QueryEscape("/orders/ord_1?round=2") {
		t.Fatalf("without a log-in it leads to %s", to)
	}
	s.want(s.get(to), http.StatusOK, `value="/orders/ord_1?round=2"`)
	for next, want := range map[string]string{
		"/orders/ord_1": "/orders/ord_1", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "": "/", "orders": "/", "javascript:alert(1)": "/",
	} {
		s.client = browser(t)
		a := s.send(http.MethodPost, "/login", url.Values{"name": {"ben"}, "password": {password}, "next": {next}})
		s.want(a, http.StatusSeeOther)
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("after the log-in %q leads to %q, want %q", next, got, want)
		}
	}
	s.want(s.send(http.MethodPost, "/logout", url.Values{"token": {s.token()}}), http.StatusSeeOther)
	s.want(s.get("/"), http.StatusSeeOther)
}

func TestGuessesWait(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.access.PutUser(t.Context(), "ben", password, access.Owner); err != nil {
		t.Fatal(err)
	}
	wrong := url.Values{"name": {"ben"}, "password": {"wrong"}}
	for range freeTries {
		s.want(s.send(http.MethodPost, "/login", wrong), http.StatusUnauthorized, "do not fit", `value="ben"`)
	}
	s.want(s.send(http.MethodPost, "/login", wrong), http.StatusTooManyRequests, "Too many tries")
	s.want(s.send(http.MethodPost, "/login", url.Values{"name": {"ben"}, "password": {password}}), http.StatusTooManyRequests)
	s.want(s.link(), http.StatusSeeOther)
}

func TestTheWaitForATryDoublesAndEnds(t *testing.T) {
	t.Parallel()
	var tr tries
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	last := time.Duration(0)
	for i := range 40 {
		if wait := tr.begin(now); wait != 0 {
			t.Fatalf("try %d waits %s after the wait was over", i, wait)
		}
		wait := max(tr.next.Sub(now), 0)
		if wait < last || wait > maxWait {
			t.Fatalf("after try %d the wait is %s, before it was %s", i, wait, last)
		}
		last, now = wait, now.Add(wait)
	}
	if last != maxWait {
		t.Errorf("the longest wait is %s, want %s", last, maxWait)
	}
	tr.succeeded()
	if wait := tr.begin(now); wait != 0 || tr.begin(now) != 0 {
		t.Error("a try waits after a log-in")
	}
}

// TestOtherSitesCannotAct guards against forged forms, and names that lead here.
func TestOtherSitesCannotAct(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	form := url.Values{"token": {s.token()}, "theme": {"dark"}}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, change := range map[string]func(*http.Request){
		"cross-site":  header("Sec-Fetch-Site", "cross-site"),
		"same-site":   header("Sec-Fetch-Site", "same-site"),
		"old browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"null origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		if a := s.send(http.MethodPost, "/theme", form, change); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	for _, token := range []string{"", "x", form.Get("token") + "x"} {
		s.want(s.send(http.MethodPost, "/theme", url.Values{"token": {token}}), http.StatusForbidden, "Nothing was done")
	}
	s.want(s.send(http.MethodPost, "/theme", form), http.StatusSeeOther)
	s.want(s.get("/"), http.StatusOK, `data-theme="dark"`)
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for h, want := range map[string]int{
		"evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421,
		"localhost:1": 200, "127.0.0.1": 200, "[::1]:8378": 200, "console.example.com": 200, "CONSOLE.example.com": 200,
	} {
		a := s.send(http.MethodGet, "/login", nil, host(h))
		if a.StatusCode == http.StatusSeeOther {
			a.StatusCode = http.StatusOK // it knows the session
		}
		if a.StatusCode != want {
			t.Errorf("for the host %s: status %d, want %d", h, a.StatusCode, want)
		}
	}
	s.want(s.send(http.MethodPost, "/theme", url.Values{"token": {form.Get("token")}, "theme": {strings.Repeat("x", maxForm)}}), http.StatusBadRequest)
}

func TestEachAnswerLimitsTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	for _, path := range []string{"/", "/login/x", "/nothing", "/static/x/console.css"} {
		h := s.get(path).Header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if !strings.HasPrefix(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	css := regexp.MustCompile(`/static/[^/]+/console\.css`).FindString(s.get("/").body)
	if a := s.get(css); a.StatusCode != http.StatusOK || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style: %d, %v", a.StatusCode, a.Header)
	}
}
