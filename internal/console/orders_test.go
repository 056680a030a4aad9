package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// listed returns the ids of the orders that a list shows.
func (s *site) listed(query string) string {
	s.Helper()
	a := s.get("/orders?" + query)
	s.want(a, http.StatusOK)
	var ids []string
	for _, part := range strings.Split(a.body, `data-row="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

func TestTheListOfOrdersHasPartsAndFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	s.place(order.Facts{ID: "ord_old", Status: order.Completed, Brief: "a tartan blanket", CreatedAt: ago(900 * time.Hour), Price: dollars(5)})
	s.place(order.Facts{ID: "ord_sent", Status: order.Delivered, Brief: "a fox", CreatedAt: ago(50 * time.Hour), ClientWallet: "0x" + strings.Repeat("ab", 20)})
	s.place(order.Facts{ID: "ord_mural", Status: order.Paid, Brief: "a tartan whale", ServiceTitle: "Murals", CreatedAt: ago(2 * time.Hour)})
	s.place(order.Facts{ID: "ord_work", Status: order.Paid, Brief: "a dragon", CreatedAt: ago(time.Hour)})
	for query, want := range map[string]string{
		"": "ord_work ord_mural ord_sent", "show=all": "ord_work ord_mural ord_sent ord_old", "show=needs": "ord_mural", "show=work": "ord_work",
		"show=client": "ord_sent", "show=done": "ord_old", "show=nonsense": "ord_work ord_mural ord_sent",
		"show=all&q=tartan": "ord_mural ord_old", "q=tartan": "ord_mural", "show=all&service=Murals": "ord_mural", "show=all&time=1": "ord_work ord_mural",
		"show=all&time=7": "ord_work ord_mural ord_sent", "show=all&q=0x" + strings.Repeat("AB", 20): "ord_sent", "show=all&generator=none": "",
	} {
		if got := s.listed(query); got != want {
			t.Errorf("the list %q has %q, want %q", query, got, want)
		}
	}
	s.want(s.get("/orders?show=all"), http.StatusOK, `Open <span class="n num">3</span>`, `Needs you <span class="n num">1</span>`, "no such service", "4 orders", "$5.00", "completed")
	s.want(s.get("/orders?q=tartn"), http.StatusOK, "No order fits", "“tartn” in orders that are open.", "/orders?q=tartn&amp;show=all")
	s.want(s.get("/orders?q=ta"), http.StatusOK, "The text is too short", `value="ta"`)
	s.want(s.get("/orders?older=ord_gone"), http.StatusNotFound)
}

func TestOlderLeadsThroughTheWholeList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	const n = 2*mostOrders + 3
	s.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO orders (id, service, remote_status, state, brief, created_at, due_at, seen_at, changed_at, fingerprint, raw)
		SELECT printf('ord_%04d', i), 'Images', 'completed', 'completed', 'a brief', t, t, t, t, 1, '{}'
		FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i, 'unixepoch') AS t FROM n)`, n)
	seen, at := map[string]bool{}, "/orders?show=all&q="
	for range 5 {
		a := s.get(at)
		for _, part := range strings.Split(a.body, `data-row="`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			seen[id] = true
		}
		_, foot, _ := strings.Cut(a.body, `<footer class="paging">`)
		_, rest, ok := strings.Cut(foot, `href="/orders?older=`)
		if !ok {
			break
		}
		link, _, _ := strings.Cut(rest, `"`)
		at = "/orders?older=" + strings.ReplaceAll(link, "&amp;", "&")
	}
	if len(seen) != n {
		t.Errorf("the pages have %d orders, want %d", len(seen), n)
	}
}

// hostileTexts are texts that would run as code, break out of a place, or turn what stands next
// to them.
var hostileTexts = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</textarea><svg onload=alert(1)>`, `{{.Token}}`, `javascript:alert(1)`,
	"\x1b[31mred\x1b[0m", "a\u202egnp.exe", "\u2066isolated", "bell\x07\x00", "\xff\xfe broken", `${alert(1)}`, "`alert(1)`", `<!--`, `]]>`, `&lt;b&gt;`,
	`<a href="javascript:alert(1)">x</a>`, "tag\U000e0041\U000e0042",
}

func TestHostileTextsShowAsTheyAre(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	for i, text := range hostileTexts {
		status := order.PendingQuote
		if i%2 == 1 {
			status = order.Paid
		}
		s.place(order.Facts{ID: fmt.Sprintf("ord_%08d", i), Status: status, Brief: text, ServiceTitle: text, ClientAgent: text})
	}
	for _, path := range []string{"/", "/orders?show=all", "/orders?q=" + url.QueryEscape(hostileTexts[1]), "/orders?client=" + url.QueryEscape(hostileTexts[1]), "/orders?service=" + url.QueryEscape(hostileTexts[2])} {
		a := s.get(path)
		s.want(a, http.StatusOK)
		for _, bad := range []string{"<script>alert", "<img src=x", "<svg onload", "onmouseover='", "\u202e", "\u2066", "\x1b", "\x07", "\x00", "\U000e0041", `href="javascript:`} {
			if strings.Contains(a.body, bad) {
				t.Errorf("%s contains %q as it is", path, bad)
			}
		}
	}
	s.want(s.get("/orders?show=all"), http.StatusOK, `<span class="ctl">ESC</span>`, `<span class="ctl">U+202E</span>`, `<span class="ctl">U+0007</span>`, `<span class="ctl">xFF</span>`, "&lt;script&gt;")
}

// TestPagesHaveNothingInline guards the policy that the browser holds: no style and no
// script within a page. It also keeps the first paint small.
func TestPagesHaveNothingInline(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	for i := range mostOrders {
		s.place(order.Facts{ID: fmt.Sprintf("ord_%08d", i), Status: order.PendingQuote, Brief: strings.Repeat("a brief of some length ", 20)})
	}
	size := len(joined("static/*.css", "").data) + len(joined("static/*.js", "").data)
	for _, path := range []string{"/", "/orders", "/orders?q=nothing+here", "/nothing"} {
		body := s.get(path).body
		for _, bad := range []string{" style=", "<style", "<script>", " onclick", " onload", " onerror", "javascript:", "data:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s contains %q", path, bad)
			}
		}
		if all := len(body) + size; all > 100_000 {
			t.Errorf("%s, its style and its script have %d bytes", path, all)
		}
	}
}
