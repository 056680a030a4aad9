package main_test

import (
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var everyAttack = flag.Bool("every-attack", false, "open the whole of long lists with hostile texts, and put each into addresses and forms")

// TestNoTextOfOthersRunsInABrowser guards against stored and reflected scripts. Hundreds of
// hostile texts stand wherever a client, a provider or the marketplace can put one, and
// Chromium shows each page with them: with its Content-Security-Policy, and without, because
// the escaping alone has to do. No script runs, nothing is loaded from elsewhere, and no
// element or attribute comes from a text. Each page has to show the texts.
func TestNoTextOfOthersRunsInABrowser(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	texts := newTrap(t).payloads(t)
	daemon := s.start()
	t.Cleanup(func() { s.stop(daemon) })
	first := s.logIn(t, laptop)
	names := elements(t)
	first.visit("/") // it is open while the texts come in
	s.besiege(texts)
	first.until("the texts", `document.querySelectorAll("[data-live=needs] [data-row]").length > 5`)
	(&siege{first, names, texts}).inspect("the blocks of the first page", 5)
	first.visit("/bounties")
	first.press(`form[action="/bounties/read"] button`)
	first.shows("pwn1")
	first.visit("/services")
	first.press(`form[action="/services/compare"] button`)
	first.shows("A sync would change")
	s.market.SetDown(true) // nothing is polled any more, so that the rows stay
	t.Run("stored, with the policy", func(t *testing.T) {
		t.Parallel()
		b := &siege{s.logIn(t, laptop), names, texts}
		b.stored()
	})
	t.Run("stored, without the policy", func(t *testing.T) {
		t.Parallel()
		b := &siege{s.logIn(t, phone), names, texts}
		command(b.tab, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
		b.stored()
		b.post("/history", "/history", "sql", "SELECT brief FROM v_orders WHERE id LIKE 'pwn_ord_%'")
		b.inspect("the history", b.all()) // one column, so that all rows are shown
		if *everyAttack {
			b.lists()
		}
		b.live(s)
		b.files(s)
		b.reflected()
		b.refused()
	})
	t.Run("at the log-in", func(t *testing.T) {
		t.Parallel()
		b := &siege{newTab(t, phone), names, texts}
		b.site = first.site
		command(b.tab, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
		b.outside()
	})
}

// chunks are the texts in parts that fit into an address: a few, or all of them.
func (b *siege) chunks() [][]string {
	list := slices.Collect(slices.Chunk(b.texts, 24))
	if !*everyAttack {
		return []([]string){list[0], list[5], list[len(list)-1]}
	}
	return list
}

func (b *siege) all() int { return len(b.texts) }

// stored opens every page.
func (b *siege) stored() {
	b.Helper()
	for path, least := range map[string]int{
		"/": 5, "/orders": 25, "/orders?show=needs": 25, "/orders?show=work": 25, "/orders?show=client": 25, "/orders?show=done": 25,
		"/orders/pwn_full": b.all(), "/orders/pwn_full?record=all&before=0.1": b.all(), "/orders/pwn_week": b.all(), "/orders/pwn_full/log/7": b.all(),
		"/inbox?show=waiting": 25, "/inbox?order=pwn_full": 25, "/money": 20, "/services": b.all() - 5, "/generators": 3, "/bounties": b.all() - 50,
	} {
		b.opens(path, least)
	}
	b.opens("/orders?show=all&q=pwn", 25)
	for n := range 6 { // an order in each state
		b.opens(fmt.Sprintf("/orders/pwn_ord_%04d", 100+n), 1)
	}
}

// lists opens the lists that have all texts on many pages, and the views of the history.
func (b *siege) lists() {
	b.Helper()
	for _, from := range []string{"/orders?show=all", "/inbox", "/orders?show=all&q=pwn"} {
		b.whole(from)
	}
	for n := range 5 {
		b.goTo(b.site + "/bounties")
		b.follow(fmt.Sprintf(`document.querySelectorAll('a[href^="/bounties/"]')[%d].href`, n*9))
		b.inspect("a bounty", 3)
	}
	b.views(
		"orders", "attempts", "calls", "timeline", "quotes", "messages", "pieces", "takes", "bounties", "earnings_service", "clients", "unpaid", "costs_generator", "attention", "alerts", "notifications",
	)
}

// views runs statements that show each column of a view, and as many rows as a page has.
func (b *siege) views(names ...string) {
	b.Helper()
	for _, view := range names {
		b.post("/history", "/history", "sql", "SELECT * FROM v_"+view)
		b.inspect("the history of "+view, 1)
	}
}

// whole opens a list and all older pages of it, which together show all texts.
func (b *siege) whole(from string) {
	b.Helper()
	seen := map[int]bool{}
	b.goTo(b.site + from)
	for {
		for _, n := range b.inspect(from, 1) {
			seen[n] = true
		}
		if more, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!document.querySelector('a[rel="next"]')`)); err != nil || !more {
			break
		}
		b.follow(`document.querySelector('a[rel="next"]').href`)
	}
	if len(seen) < b.all() {
		b.Errorf("%s shows %d of %d texts", from, len(seen), b.all())
	}
}

// follow opens the address that an expression is.
func (b *siege) follow(expression string) {
	b.Helper()
	to, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	b.goTo(to)
}

// post opens a page and sends a form of it with other fields.
func (b *siege) post(from, action string, fields ...string) {
	b.Helper()
	b.goTo(b.site + from)
	b.send(action, fields...)
}

// send sends a form from the page that is open, and waits for the answer.
func (b *siege) send(action string, fields ...string) {
	b.Helper()
	b.until("the form is sent", fmt.Sprintf(`((action, fields) => {
		const f = document.createElement("form"), add = (name, value) => { const i = document.createElement("textarea"); i.name = name; i.value = value; f.append(i); };
		f.method = "post", f.action = action, self.before = 1;
		const token = document.querySelector('input[name="token"]');
		if (token) add("token", token.value);
		for (let i = 0; i < fields.length; i += 2) add(fields[i], fields[i + 1]);
		document.body.append(f), HTMLFormElement.prototype.submit.call(f);
		return true;
	})(%s, %s)`, quoted(action), quotedList(fields)))
	b.until("an answer", `!self.before && document.readyState === "complete"`)
}

// live waits until hostile texts come into pages that are open, as blocks.
func (b *siege) live(s *fixture) {
	b.Helper()
	for i, path := range []string{"/orders?show=all", "/orders/pwn_full"} {
		b.visit(path)
		after := s.count("SELECT count(*) FROM orders WHERE id LIKE 'pwn_ord_%'")
		fresh := slices.Clone(b.texts[i*40 : i*40+40])
		for j := range fresh {
			fresh[j] = strings.ReplaceAll(fresh[j], fmt.Sprintf("pwn%d", i*40+j+1), fmt.Sprintf("pwn%d", after+j+1))
		}
		s.insert(fresh, after)
		b.until("a new text", fmt.Sprintf(`(document.querySelector(".news")?.click(), /pwn%d/.test(document.querySelector("main").textContent))`, after+len(fresh)))
		b.inspect("the blocks of "+path, 5)
	}
}

// files opens files that are programs. A browser saves them, or shows a picture.
func (b *siege) files(s *fixture) {
	b.Helper()
	db := s.openDatabase("mode=ro")
	defer db.Close()
	rows := must(db.Query("SELECT id, sha256 FROM artifacts WHERE path LIKE 'artifacts/pwn.%'"))
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var id, sum string
		if err := rows.Scan(&id, &sum); err != nil {
			b.Fatal(err)
		}
		path := "/files/" + id + "/" + sum
		if err := chromedp.Do(b.ctx, chromedp.Navigate(b.site+path)); err != nil && !strings.Contains(err.Error(), "ERR_ABORTED") {
			b.Errorf("%s: %v", path, err)
		}
		b.goTo(b.site + "/login")
		b.until("what is sent", fmt.Sprintf(`fetch(%s).then(r => r.ok && r.headers.get("Content-Security-Policy") === "sandbox; default-src 'none'" && (/^image.gif$/.test(r.headers.get("Content-Type")) || /^attachment/.test(r.headers.get("Content-Disposition"))))`, quoted(path)))
	}
	if n != 5 {
		b.Errorf("%d files were opened, want 5", n)
	}
}

// reflected opens pages whose addresses have the texts.
func (b *siege) reflected() {
	b.Helper()
	for i, chunk := range b.chunks() {
		text := url.QueryEscape(strings.Join(chunk, " "))
		for path, least := range map[string]int{
			"/orders?show=all&q=": 5, "/orders?client=": 1, "/orders?service=": 1, "/orders?generator=": 1, "/orders?show=": 1,
			"/orders/pwn_ord_0102?done=approve&before=0.1&of=": 1, "/inbox?show=": 1,
			"/money?month=": 1, "/history?example=": 0, "/" + text + "?": 0,
		} {
			if (i+len(path))%3 == 0 || strings.Contains(path, "q=") {
				b.opens(path+text, least)
			}
		}
		if i%4 != 0 {
			continue
		}
		for _, path := range []string{"/orders/", "/bounties/", "/files/1/", "/thumbs/1/", "/static/x/", "/orders/pwn_ord_0102/log/", "/login?next=/"} {
			b.goTo(b.site + path + url.PathEscape(chunk[i%len(chunk)]))
			b.inspect(path, 0)
		}
	}
}

// refused sends forms with the texts, which are shown again or named in a sentence.
func (b *siege) refused() {
	b.Helper()
	for chunk := range slices.Chunk(b.texts, 100) {
		text := strings.Join(chunk, " ")
		b.post("/orders/pwn_full", "/orders/pwn_full/redo", "if", "x", "instructions", text, "text", text, "reason", text, "price", text, "service", text)
		b.inspect("a redo that is refused", b.all())
		if !*everyAttack {
			break
		}
	}
	some := strings.Join(b.texts[:40], " ")
	b.post("/history", "/history", "sql", some)
	b.inspect("a statement that is refused", 40)
	for _, form := range []string{"/services/pause", "/services/resume", "/generators/probe", "/generators/try", "/generators/resume", "/money/payout"} {
		b.post("/login", form, "service", some, "generator", some, "prompt", some, "order", some, "message", some, "if", some)
		b.inspect(form, 1)
	}
}

// outside looks at what is shown to somebody who is not logged in.
func (b *siege) outside() {
	b.Helper()
	for _, chunk := range b.chunks() {
		text := strings.Join(chunk, " ")
		next := strings.Map(func(r rune) rune { // what no address may have leads to the first page
			if r < ' ' || strings.ContainsRune("\\%#\u007f", r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(text, ""))
		b.opens("/login?next=/"+url.QueryEscape(next), len(chunk)/2)
		b.opens("/"+url.PathEscape(chunk[0]), 0)
		b.opens("/login/"+url.PathEscape(chunk[0]), 0)
		b.goTo(b.site + "/login")
		b.send("/login", "name", text, "next", "/"+text, "password", "x")
		b.inspect("a log-in that is refused", len(chunk))
	}
}

func quotedList(list []string) string {
	words := make([]string, len(list))
	for i, text := range list {
		words[i] = quoted(text)
	}
	return "[" + strings.Join(words, ",") + "]"
}
