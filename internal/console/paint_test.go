//go:build unix

package console

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"atelierd/internal/store/viewsql"
	"atelierd/internal/thumb"
)

// mostPaint is how many bytes a browser may load to show a page, without its pictures.
const mostPaint = 100_000

var leftOut = regexp.MustCompile(`record=all#(\w+)">\d+ older (\w+)<`)

var styleOrScript = regexp.MustCompile(`/static/[^"]*/console\.(?:css|js)`)

// TestABrowserLoadsLittleToShowAPage guards that a page with its style sheet and its script
// stays small, however much the ledger has.
func TestABrowserLoadsLittleToShowAPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		dir := o.View.Config().DataDir
		o.SQL, o.Desk = viewsql.New(dir), manyTasks()
		o.Files = storedFiles{o.View.Store, thumb.New(thumb.Options{Dir: dir, FilesDir: "files"})}
	})
	few := ordinary
	few.orders = 5000
	makeYears(t, s.dir, few)
	s.want(s.link(), http.StatusSeeOther)
	// This is the header of each browser. The client of Go unpacks what it asks for itself.
	zip := func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip, deflate, br") }
	besides := 0
	for _, address := range styleOrScript.FindAllString(s.get("/").body, -1) {
		besides += len(s.send(http.MethodGet, address, nil, zip).body)
	}
	if besides < 1000 || besides > 25_000 {
		t.Errorf("the style sheet and the script have %d bytes", besides)
	}
	for name, path := range benchPaths() {
		if strings.HasPrefix(path, "/live") || strings.HasPrefix(path, "/money.csv") || strings.Contains(path, "old_") {
			continue
		}
		a := s.send(http.MethodGet, path, nil, zip)
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s, %s: %d", name, path, a.StatusCode)
		}
		if size := len(a.body) + besides; size > mostPaint {
			t.Errorf("%s, %s: a browser loads %d bytes", name, path, size)
		}
	}
}

// TestALongRecordIsShownWhole guards that a page says what it leaves out, and that its link
// leads to all of it.
func TestALongRecordIsShownWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	makeYears(t, s.dir, shape{orders: 50, open: 10, service: `'Images'`, client: `'client_1'`, payout: `''`})
	s.want(s.link(), http.StatusSeeOther)
	a := s.get("/orders/" + busyID)
	left := map[string]string{}
	for _, m := range leftOut.FindAllStringSubmatch(a.body, -1) {
		left[m[2]] = m[1]
	}
	want := map[string]string{"messages": "thread", "events": "timeline", "attempts": "attempts", "takes": "earlier"}
	if !maps.Equal(left, want) {
		t.Errorf("the page leaves out %v, want %v", left, want)
	}
	oldest := []string{"a sentence or two, and number 1<", "something happened, number 1 <"}
	for _, text := range oldest {
		if strings.Contains(a.body, text) {
			t.Errorf("the page has %q at once", text)
		}
	}
	a = s.get("/orders/" + busyID + "?record=all")
	s.want(a, http.StatusOK, oldest...)
	if strings.Contains(a.body, "record=all#") {
		t.Error("the whole record says that it is not whole")
	}
}
