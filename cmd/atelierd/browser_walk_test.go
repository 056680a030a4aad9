package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestAnOwnerDecidesInABrowser walks through what an owner does in the console, on a phone and
// on a laptop, in both colours: approve, take back, redo and compare, answer, name a price,
// and watch an order move by itself.
func TestAnOwnerDecidesInABrowser(t *testing.T) {
	t.Parallel()
	for _, l := range []looks{phone, {width: 390, height: 844, dark: true}, laptop, {width: 1440, height: 900, dark: true}} {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			s := newConsole(t)
			daemon := s.start()
			b := s.logIn(t, l)
			s.approves(b)
			s.redoes(b)
			s.answers(b)
			s.quotes(b)
			s.stop(daemon)
		})
	}
}

// approves looks at what was made, takes the approval back, approves again, and sees the
// order go to the client by itself.
func (s *fixture) approves(b *tab) {
	b.Helper()
	brief := "a heron at dawn for " + b.Name()
	id := s.ordered(brief, "Pictures", "held")
	b.visit("/")
	b.shows(brief)
	b.press(`a[href*="` + id + `"]`)
	b.until("the picture", `document.querySelector("#pictures img").naturalWidth > 0`)
	id = s.takesBack(b, id)
	b.press("#approve button")
	b.shows("Approved.")
	b.visit("/orders/" + id)
	s.inState(id, "delivered")
	b.until("the order moved by itself", `document.querySelector(".order-head").innerText.includes("delivered") || document.querySelector(".order-head").innerText.includes("with the client")`)
}

// takesBack approves the order that is shown, takes that back, and returns the order, which is
// shown again. On a slow machine ten seconds may be over before; then it tries another order.
func (s *fixture) takesBack(b *tab, id string) string {
	b.Helper()
	for range 10 {
		b.press("#approve button")
		b.shows("Approved.")
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector(".bar form button")?.click() === undefined`)); err != nil {
			b.Log(err) // the page has changed meanwhile
		}
		s.until(id+" is neither held nor delivered", func() bool {
			return s.count("SELECT count(*) FROM orders WHERE id = '"+id+"' AND state IN ('held', 'delivered')") == 1
		})
		if s.count("SELECT count(*) FROM orders WHERE id = '"+id+"' AND state = 'held'") == 1 {
			b.shows("Taken back.")
			b.visit("/orders/" + id)
			return id
		}
		id = s.ordered("another for "+b.Name(), "Pictures", "held")
		b.visit("/orders/" + id)
	}
	b.Fatal("no approval could be taken back within its time")
	return ""
}

// redoes has the picture made again from instructions, and compares.
func (s *fixture) redoes(b *tab) {
	b.Helper()
	id := s.ordered("a kingfisher for "+b.Name(), "Pictures", "held")
	b.visit("/orders/" + id)
	b.write("#redo textarea", "a calmer blue")
	b.press("#redo button")
	b.shows("The order is made again.")
	s.until("the second take is not made", func() bool {
		return s.count("SELECT count(*) FROM orders WHERE id = '"+id+"' AND state = 'held' AND code = 'review'") == 1 &&
			s.count("SELECT count(*) FROM v_takes WHERE order_id = '"+id+"' AND files <> ''") > 1
	})
	b.visit("/orders/" + id)
	b.shows("a calmer blue")
	b.until("both pictures", `document.querySelectorAll("#pictures .pair img").length === 2`)
	b.press(`label[for="show-before"]`)
	b.until("the one before alone", `document.querySelector("#pictures .before").getClientRects().length > 0 && document.querySelector("#pictures .new").getClientRects().length === 0`)
	b.press(`label[for="show-both"]`)
	b.until("both next to each other", `[...document.querySelectorAll("#pictures .before, #pictures .new")].every(e => e.getClientRects().length > 0)`)
}

// answers reads what a client wrote, and writes back.
func (s *fixture) answers(b *tab) {
	b.Helper()
	id := s.ordered("an otter for "+b.Name(), "Pictures", "held")
	question := "Could it be a sea otter, " + b.Name() + "?"
	if err := s.market.ClientMessage(id, question); err != nil {
		b.Fatal(err)
	}
	s.until("the message is not read", func() bool {
		return s.count("SELECT count(*) FROM v_messages WHERE content LIKE '%sea otter, "+b.Name()+"%'") > 0
	})
	b.visit("/inbox")
	b.shows(question)
	b.visit("/orders/" + id)
	b.write("#write textarea", "Yes, gladly.")
	b.press("#write .spread button")
	b.shows("Yes, gladly.")
	s.until("the answer is not sent", func() bool {
		o, _ := s.market.Order(id)
		return strings.Contains(fmt.Sprint(o.Messages), "Yes, gladly.")
	})
}

// quotes names a price.
func (s *fixture) quotes(b *tab) {
	b.Helper()
	id := s.ordered("unpaid mural for "+b.Name(), "Murals", "held")
	b.visit("/orders/" + id)
	b.write("#price", "15.00")
	b.shows("You keep $13.50.")
	b.press("#quote button")
	s.until("the price is not sent", func() bool {
		o, _ := s.market.Order(id)
		return o.Status == "quoted"
	})
}

// TestAnOwnerDecidesByKeysAlone approves an order without a pointer. A letter alone sends nothing.
func TestAnOwnerDecidesByKeysAlone(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	b := s.logIn(t, laptop)
	id := s.ordered("a lynx", "Pictures", "held")
	b.visit("/orders")
	b.shows("a lynx")
	b.key("j")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the order", `document.querySelector("#approve")`)
	b.ready()
	b.key("a")
	b.until("the focus on approve", `document.activeElement.matches("#approve button")`)
	b.key("r")
	b.until("the focus in the box", `document.activeElement.matches("#redo textarea")`)
	b.write("#redo textarea", "a r m c j k / ?")
	b.until("what was typed", `document.activeElement.value === "a r m c j k / ?"`)
	s.inState(id, "held")
	b.visit("/orders/" + id)
	b.key("a")
	b.until("the focus on approve", `document.activeElement.matches("#approve button")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.shows("Approved.")
	s.inState(id, "delivered")
	s.stop(daemon)
}

// TestAnOwnerDecidesWithoutScripts does the same with JavaScript off.
func TestAnOwnerDecidesWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	l := phone
	l.noScripts = true
	b := s.logIn(t, l)
	id := s.ordered("a stoat", "Pictures", "held")
	b.visit("/orders/" + id)
	b.write("#redo textarea", "in winter fur")
	b.press("#redo button")
	b.shows("The order is made again.")
	s.until("the second take is not made", func() bool {
		return s.count("SELECT count(*) FROM orders WHERE id = '"+id+"' AND state = 'held' AND code = 'review'") == 1 &&
			s.count("SELECT count(*) FROM v_takes WHERE order_id = '"+id+"' AND files <> ''") > 1
	})
	b.visit("/orders/" + id)
	b.press(`label[for="show-before"]`)
	b.until("the one before alone", `document.querySelector("#pictures .new").getClientRects().length === 0`)
	id = s.takesBack(b, id)
	b.press("#approve button")
	b.shows("Approved.")
	s.inState(id, "delivered")
	b.visit("/inbox")
	b.visit("/history")
	s.stop(daemon)
}
