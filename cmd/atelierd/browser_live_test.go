package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// script runs JavaScript in the page.
func (b *tab) script(text string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](text+"; true")); err != nil {
		b.Fatalf("%s: %v", text, err)
	}
}

// marked is whether the page was not loaded again since it was marked.
const (
	mark   = `window.marked = true`
	marked = `window.marked === true`
)

// TestABlockWaitsWhileItIsUsed guards that an open page changes by itself, but never under
// the hands of an owner: not what he types in or has ticked, nor a list that he reads.
func TestABlockWaitsWhileItIsUsed(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	b := s.logIn(t, laptop)
	id := s.ordered("a heron at dawn", "Pictures", "held")
	b.visit("/orders/" + id)
	b.script(mark)

	// An open fold stays open while its block is replaced. How many requests are left stands
	// in the block, and changes all the time.
	b.press("details.others > summary")
	b.script(`document.activeElement.blur()`)
	b.script(`document.querySelector("#approve").marked = true`)
	if err := s.market.ClientMessage(id, "how is it going?"); err != nil {
		t.Fatal(err)
	}
	b.shows("how is it going?")
	b.until("the fold in a new block", `!document.querySelector("#approve").marked && document.querySelector("details.others").open`)

	// What is half written or ticked stays, although the order is delivered meanwhile.
	s.keepsForm(b, id, `document.querySelector("#redo textarea").value = "a calmer bl"`, `document.querySelector("#redo textarea").value === "a calmer bl"`)
	id = s.ordered("a kingfisher", "Pictures", "held")
	b.visit("/orders/" + id)
	s.keepsForm(b, id, `document.querySelector("#redo input[type=checkbox]").click()`, `!document.querySelector("#redo input[type=checkbox]").checked`)

	// A list that is read offers what is new.
	b.visit("/orders?show=all")
	b.script(mark)
	b.key("j")
	b.until("the focus in the list", `document.activeElement.closest("[data-row]")`)
	s.ordered("an otter at noon", "Pictures", "held")
	b.until("the offer", `document.querySelector(".news")?.innerText === "1 new, show" && !document.querySelector("main").innerText.includes("an otter at noon")`)
	b.press(".news")
	b.shows("an otter at noon")
	b.until("the same page", marked+` && !document.querySelector(".news")`)
	b.script(`document.activeElement.blur()`)
	at := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved}
	at.X, at.Y = b.middle("[data-row]")
	command(b, input.DispatchMouseEvent, at)
	s.ordered("a stoat at dusk", "Pictures", "held")
	b.until("the offer under the pointer", `document.querySelector(".news")?.innerText === "1 new, show"`)
	s.stop(daemon)
}

// keepsForm begins to fill in the form of the order that is shown, and has it delivered by a
// command. The form stays as it is until it is reset.
func (s *fixture) keepsForm(b *tab, id, begin, begun string) {
	b.Helper()
	b.script(begin)
	if code, out := s.command("orders", "approve", id); code != 0 {
		b.Fatal(out)
	}
	s.inState(id, "delivered")
	b.until("the rest of the page", `document.querySelector(".order-head").innerText.includes("client")`)
	// What comes in a later message to the page comes after the block that waits.
	if err := s.market.ClientMessage(id, "thank you for "+id); err != nil {
		b.Fatal(err)
	}
	b.shows("thank you for " + id)
	b.script(`if (!(` + begun + `)) throw new Error("the form was taken away")`)
	b.script(`document.querySelector("#redo textarea").form.reset()`)
	b.until("the block that waited", `!document.querySelector("#redo textarea")`)
}

// middle returns the middle of what a selector finds.
func (b *tab) middle(selector string) (x, y float64) {
	b.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](`(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector(`+quoted(selector)+`).getBoundingClientRect())`))
	if err != nil {
		b.Fatal(err)
	}
	return at[0], at[1]
}

// TestAPageSaysThatItIsStale stops the daemon under an open page, and starts it again.
func TestAPageSaysThatItIsStale(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	name := filepath.Join(s.dir, "atelierd.toml")
	s.write("atelierd.toml", strings.Replace(string(must(os.ReadFile(name))), "127.0.0.1:0", lowAddress(t), 1), 0o600)
	daemon := s.start()
	b := s.logIn(t, phone)
	b.visit("/")
	b.script(mark)
	b.until("a live page", `document.querySelector("#stale").hidden && document.querySelector(".top .said").innerText === "live"`)
	s.stop(daemon)
	b.until("that it is stale", `/^Not live since \d\d:\d\d\. What you see is \d+ seconds? old; buttons/.test(document.querySelector("#stale:not([hidden])")?.innerText)`)
	b.until("no live dot", `document.querySelector(".top .said").innerText === "not live" && document.body.matches(".stale")`)
	daemon = s.start()
	b.until("a live page again", `document.querySelector("#stale").hidden && document.querySelector(".top .said").innerText === "live"`)
	s.ordered("a heron at dawn", "Pictures", "held")
	b.shows("a heron at dawn")
	b.until("the same page", marked)
	s.stop(daemon)
}

// TestATabThatSleptWakesUp guards that a page which was asleep, or whose place was taken by
// other tabs, shows what is true when somebody looks at it again, and keeps what was typed.
func TestATabThatSleptWakesUp(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	b := s.logIn(t, laptop)
	id := s.ordered("a heron at dawn", "Pictures", "held")
	const sleep = `(now => { Date.now = () => now() + 120000 })(Date.now)`

	b.visit("/")
	b.script(mark)
	b.script(sleep)
	b.until("the page loaded again", "!("+marked+")")
	b.ready()

	b.visit("/orders/" + id)
	b.write("#redo textarea", "a calmer bl")
	b.script(mark)
	b.script(sleep)
	b.until("a page that goes on", `document.querySelector(".side .said").innerText === "live" && document.querySelector("#redo textarea").value === "a calmer bl" && `+marked)

	// Three newer tabs of the log-in are live instead, until this one is looked at again.
	b.visit("/")
	b.script(mark)
	b.script(`for (let n = 0; n < 3; n++) { const s = new EventSource("/live?on=/"); s.addEventListener("end", () => s.close()) }`)
	b.until("that it is stale", `document.querySelector("#stale:not([hidden])")`)
	command(b, target.CreateTarget, target.CreateTargetParams{URL: "about:blank"})
	b.until("a page behind another", `document.hidden`)
	command(b, page.BringToFront, cdp.Empty{})
	b.until("a live page again", `document.querySelector("#stale").hidden && `+marked)
	s.stop(daemon)
}

// lowAddress returns an address that nobody listens on, with a port below those that systems
// give to outgoing connections, so that it is still free while a daemon is down.
func lowAddress(t *testing.T) string {
	t.Helper()
	for i := range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(7000+(os.Getpid()+i)%1000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}
