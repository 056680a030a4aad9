package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"atelierd/internal/sandbox"
)

// TestNoPageScrollsSideways guards that pages fit into the window, on a small phone as on a
// wide screen, whatever long words, ids and links clients write.
func TestNoPageScrollsSideways(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	b := s.logIn(t, phone)
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 20)
	link := "https://example.com/" + strings.Repeat("path", 60) + "?q=" + strings.Repeat("%F0", 60)
	o := sandbox.NewOrder{
		ServiceTitle: "Pictures", Brief: long + "\n" + link, ClientWallet: strings.Repeat("W4llet", 40),
		ReferenceURLs: []string{link}, Answers: []byte(`{"` + long[:90] + `": "` + long + `"}`),
	}
	id, err := s.market.PlaceOrder(o)
	if err != nil {
		t.Fatal(err)
	}
	s.inState(id, "held")
	for _, text := range []string{long, link} {
		if err := s.market.ClientMessage(id, text); err != nil {
			t.Fatal(err)
		}
	}
	s.until("the messages are not read", func() bool {
		return s.count("SELECT count(*) FROM v_messages WHERE order_id = '"+id+"'") >= 2
	})
	if _, err := s.market.PostBounty(sandbox.NewBounty{Title: long, Brief: link}); err != nil {
		t.Fatal(err)
	}
	b.visit("/bounties")
	b.press(`form[action="/bounties/read"] button`)
	b.shows("Donau")
	b.fits(phone, "bounties")
	for _, l := range []looks{{width: 320, height: 640}, phone, {width: 768, height: 900}, {width: 2560, height: 1440}} {
		b.look(l)
		for _, path := range []string{
			"/", "/orders?show=all", "/orders?q=" + long[:60], "/orders/" + id, "/inbox", "/inbox?order=" + id, "/money", "/services", "/generators", "/bounties",
			"/history", "/history?example=0", "/orders/" + long[:90],
		} {
			b.visit(path)
			b.fits(l, path)
		}
	}
	s.stop(daemon)
}

// fits fails the test for a page that is wider than the window, and for what is cut off at
// its edge. A table may scroll in its box. A phone shows a page that is too wide in small, so
// its own width says nothing.
func (b *tab) fits(l looks, path string) {
	b.Helper()
	const wide = `((width) => {
		const scrolls = (e) => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
		const out = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement));
		if (document.documentElement.scrollWidth <= width && innerWidth <= width && !out.length) return "";
		return document.documentElement.scrollWidth + " pixels: " + out.slice(0, 6).map(e => e.outerHTML.slice(0, 120)).join("\n");
	})(%d)`
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(wide, l.width)))
	if err != nil {
		b.Fatal(err)
	}
	if text != "" {
		b.Errorf("%.60s is too wide at %s: %.900s", path, l, text)
	}
}
