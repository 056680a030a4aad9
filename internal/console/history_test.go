package console

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/sheet"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/store/viewsql"
	"atelierd/internal/store/viewsql/viewsqltest"
)

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>` + "\x1b[2J\u202e=1+1"

// ledger opens a data folder with an order of a client who means harm.
func ledger(t *testing.T) (dir string, s *store.Store) {
	t.Helper()
	dir = storetest.Dir(t)
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	place(t, s, order.Facts{ID: "ord_1_00c0ffee", Status: order.Paid, ServiceTitle: "Night Garden Picture", Brief: hostile, CreatedAt: time.Now()})
	return dir, s
}

// place has the marketplace list an order.
func place(t testing.TB, s *store.Store, f order.Facts) {
	t.Helper()
	if f.Raw == nil {
		f.Raw = fmt.Appendf(nil, `{"id":%q,"status":%q}`, f.ID, f.Status)
	}
	_, err := s.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{f}}, Mark: 1 << 60,
		Decide: func(k order.Known, f order.Facts) order.Decision {
			d := order.Decision{State: order.StateWorking, Service: f.ServiceTitle, DueAt: f.CreatedAt.Add(time.Hour)}
			switch {
			case f.Status == order.Completed:
				d.State = order.StateCompleted
			case f.Status == order.PendingQuote:
				d.State, d.Code, d.Reason = order.StateHeld, order.CodeQuoteNeeded, "name a price"
			case k.Job == "":
				d.Jobs = order.JobsOpen
			}
			return d
		},
		Vanished: func(order.Known) order.Decision { return order.Decision{State: order.StateHeld} },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withHistory is a console whose history is that of a data folder. A reader is logged in.
func withHistory(t *testing.T, sql SQL) *site {
	t.Helper()
	s := newSite(t, func(o *Options) { o.SQL = sql })
	s.reads()
	return s
}

// reads logs a user in who may change nothing.
func (s *site) reads() {
	s.Helper()
	if err := s.access.PutUser(s.Context(), "ben", password, access.Reader); err != nil {
		s.Fatal(err)
	}
	s.client = browser(s.T)
	s.want(s.send(http.MethodPost, "/login", url.Values{"name": {"ben"}, "password": {password}}), http.StatusSeeOther)
}

// post sends a form with the token of this log-in.
func (s *site) post(path string, form url.Values) answer {
	s.Helper()
	form.Set("token", s.token())
	return s.send(http.MethodPost, path, form)
}

// acts posts a form and wants the texts on the page that the answer leads to, which repeats
// nothing when it is loaded again.
func (s *site) acts(path string, form url.Values, texts ...string) {
	s.Helper()
	a := s.post(path, form)
	s.want(a, http.StatusSeeOther)
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, texts...)
}

// TestNoStatementGetsOutOfTheViews sends what attacks package viewsql through the page.
func TestNoStatementGetsOutOfTheViews(t *testing.T) {
	t.Parallel()
	dir, _ := ledger(t)
	s := withHistory(t, viewsql.New(dir))
	token := s.token()
	for statement := range viewsqltest.Escapes {
		if strings.TrimSpace(statement) == "" || strings.ContainsRune(statement, 0) || !utf8.ValidString(statement) {
			continue // a form changes these
		}
		a := s.send(http.MethodPost, "/history", url.Values{"token": {token}, "sql": {statement}})
		s.want(a, http.StatusOK, "Nothing was shown.")
		if strings.Contains(a.body, "<tbody>") || strings.Contains(a.body, "fingerprint</th>") {
			t.Errorf("%.100q returned rows", statement)
		}
		a = s.send(http.MethodPost, "/history.csv", url.Values{"token": {token}, "sql": {statement}})
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, "Nothing was shown.") {
			t.Errorf("%.100q returned a file", statement)
		}
	}
	s.want(s.send(http.MethodPost, "/history", url.Values{"sql": {"SELECT 1"}}), http.StatusForbidden)
	s.want(s.send(http.MethodPost, "/history", url.Values{"token": {token}, "sql": {"SELECT id FROM v_orders"}}), http.StatusOK, "ord_1_00c0ffee", "1 row")
}

func TestAResultIsEscapedOnThePageAndSafeInAFile(t *testing.T) {
	t.Parallel()
	dir, _ := ledger(t)
	sql := viewsql.New(dir)
	s := withHistory(t, sql)
	const statement = "SELECT brief, substr(brief, -4) AS formula, 1 AS \"<b>n\", NULL, printf('%.400c', 'x') AS long FROM v_orders"
	a := s.post("/history", url.Values{"sql": {statement}})
	s.want(a, http.StatusOK, "&lt;script&gt;alert(1)", `<span class="ctl">ESC</span>`, `<span class="ctl">U+202E</span>`, "&lt;b&gt;n", "cut after 300 characters", html.EscapeString(statement))
	for _, bad := range []string{"<script>alert", "<img", "<b>", "\x1b"} {
		if strings.Contains(a.body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	result, err := sql.Run(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := sheet.Query(&want, result); err != nil {
		t.Fatal(err)
	}
	a = s.post("/history.csv", url.Values{"sql": {statement}})
	s.want(a, http.StatusOK, "'=1+1")
	if a.body != want.String() || a.Header.Get("Content-Disposition") != `attachment; filename="history.csv"` {
		t.Errorf("the file is\n%q\nwant\n%q\n%v", a.body, want.String(), a.Header)
	}
}

// TestTheExamplesAreThoseOfTheDocumentation guards that each runs by its link.
func TestTheExamplesAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	dir, _ := ledger(t)
	s := withHistory(t, viewsql.New(dir))
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "history.md"))
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.get("/history"), http.StatusOK, "nothing", "/history?example=9")
	for i, e := range examples {
		a := s.get(fmt.Sprintf("/history?example=%d", e.ID))
		s.want(a, http.StatusOK, e.Title)
		if strings.Contains(a.body, "Nothing was shown") || e.ID != i+1 {
			t.Errorf("the example %d, %q, does not run", e.ID, e.Title)
		}
		documented := strings.Replace(e.Statement, "(SELECT id FROM v_orders ORDER BY created_at DESC LIMIT 1)", "'ord_1795490522341_9201dd4a'", 1)
		if !strings.Contains(string(page), documented) {
			t.Errorf("docs/history.md has no %q", documented)
		}
	}
	if got := strings.Count(string(page), "\nSELECT "); got != len(examples) {
		t.Errorf("docs/history.md has %d examples, the page %d", got, len(examples))
	}
	for _, id := range []string{"0", "10", "x", "-1"} {
		s.want(s.get("/history?example="+id), http.StatusNotFound)
	}
}

// slowSQL waits before each statement until it is let go.
type slowSQL struct {
	SQL
	began, end chan struct{}
}

func (q slowSQL) Run(ctx context.Context, statement string) (viewsql.Result, error) {
	q.began <- struct{}{}
	<-q.end
	return q.SQL.Run(ctx, statement)
}

func TestOneStatementRunsAtATime(t *testing.T) {
	t.Parallel()
	dir, _ := ledger(t)
	q := slowSQL{viewsql.New(dir), make(chan struct{}), make(chan struct{})}
	s := withHistory(t, q)
	token := s.token()
	run := func() answer {
		return s.send(http.MethodPost, "/history", url.Values{"token": {token}, "sql": {"SELECT 42"}})
	}
	first := make(chan answer)
	go func() { first <- run() }()
	<-q.began
	s.want(run(), http.StatusOK, "Another statement runs at the moment")
	close(q.end)
	s.want(<-first, http.StatusOK, ">42<")
}
