package console

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

var replyLink = regexp.MustCompile(`<a class="chip" href="([^"]+)" data-fills="text" data-text="([^"]*)"[^>]*>([^<]*)</a>`)

// box returns what stands in the box for a message.
func box(body string) string {
	_, rest, _ := strings.Cut(body, `<textarea id="text"`)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</textarea>")
	return html.UnescapeString(text)
}

// TestARepliesLinkFillsTheBox guards the owner's beginnings of messages without JavaScript, on
// both pages that have the box, and that a client's brief in one stays a text.
func TestARepliesLinkFillsTheBox(t *testing.T) {
	t.Parallel()
	own := []Reply{}
	second := "two: " + strings.Map(visible, hostile)
	s := newSite(t, func(o *Options) {
		o.Replies = func(h view.History) []Reply {
			list := []Reply{}
			for _, r := range own {
				list = append(list, Reply{r.Name, r.Text + h.Order.Brief})
			}
			return list
		}
	})
	s.want(s.link(), http.StatusSeeOther)
	s.place(order.Facts{ID: "ord_1", Status: order.Paid, Brief: hostile})
	s.want(s.get("/orders/ord_1"), http.StatusOK, "On it", "Ask back", "Beyond the order")
	own = []Reply{{"First <b>", "one: "}, {"Second", "two: "}}
	for _, page := range []string{"/orders/ord_1", "/inbox?order=ord_1", "/inbox?show=waiting&order=ord_1"} {
		a := s.get(page)
		s.clean(a)
		links := replyLink.FindAllStringSubmatch(a.body, -1)
		if len(links) != 2 || links[0][3] != "First &lt;b&gt;" || html.UnescapeString(links[1][2]) != second || box(a.body) != "" {
			t.Fatalf("%s has the replies %q, and %q in the box", page, links, box(a.body))
		}
		to, anchor, _ := strings.Cut(html.UnescapeString(links[1][1]), "#")
		if filled := s.get(to); anchor != "write" || !strings.Contains(to, "order") || box(filled.body) != second {
			t.Errorf("%s fills the box with %q", links[1][1], box(filled.body))
		} else {
			s.clean(filled)
		}
		for _, bad := range []string{"0", "3", "x", "-1"} {
			if got := box(s.get(strings.Replace(to, "reply=2", "reply="+bad, 1)).body); got != "" {
				t.Errorf("reply %s fills the box with %q", bad, got)
			}
		}
	}
	// What was typed and refused stays in place of a reply.
	a := s.press("ord_1", "reply", s.form("ord_1", "reply", "text", strings.Repeat("x", 2001)))
	s.want(a, http.StatusUnprocessableEntity, `name="next" value="/orders/ord_1"`)
	if links := replyLink.FindAllStringSubmatch(a.body, -1); !strings.HasPrefix(box(a.body), "xxx") || len(links) != 2 || !strings.HasPrefix(links[0][1], "/orders/ord_1?reply=1") {
		t.Errorf("the refused message is %.20q, and the replies %q", box(a.body), links)
	}
}
