package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// consoleForms returns the addresses of all forms of the console, as its source names them,
// for an order.
func consoleForms(t *testing.T, id string) (list []string) {
	t.Helper()
	source := ""
	for _, name := range must(filepath.Glob("../../internal/console/*.go")) {
		if !strings.HasSuffix(name, "_test.go") {
			source += string(must(os.ReadFile(name)))
		}
	}
	acts := regexp.MustCompile(`(?m)^\t"(\w+)": +func\(ctx context.Context, a \*owner.Actions`).FindAllStringSubmatch(source, -1)
	for _, m := range regexp.MustCompile(`"POST (/[^"]*)"`).FindAllStringSubmatch(source, -1) {
		path := strings.NewReplacer("{id}", id, "{secret}", "none").Replace(m[1])
		if !strings.Contains(path, "{act}") {
			list = append(list, path)
			continue
		}
		for _, act := range acts {
			list = append(list, strings.ReplaceAll(path, "{act}", act[1]))
		}
	}
	if len(list) < 25 || !slices.Contains(list, "/orders/"+id+"/approve") {
		t.Fatalf("only %d forms were found: %v", len(list), list)
	}
	return list
}

// foreignPage is a page of somebody else: once it is loaded, it sends each form with what it
// knows, in a frame and by fetch, and shows pages of the console in frames. A frame that
// begins earlier would be part of the loading, and a visit would wait for all of them.
const foreignPage = `<!doctype html><title>foreign</title><body><script>
const site = %s, forms = %s, framed = %s, fields = %s;
let open = 0;
const done = () => { if (--open === 0) self.finished = true; };
const frame = name => { const f = document.createElement("iframe"); f.name = name; open++; f.onload = () => { f.onload = null; done(); }; return f; };
addEventListener("load", () => setTimeout(() => {
open++;
forms.forEach((path, i) => {
	const target = document.createElement("iframe"), form = document.createElement("form");
	target.name = "t" + i, document.body.append(target);
	form.method = "post", form.action = site + path, form.target = target.name;
	for (const [name, value] of Object.entries(fields)) { const input = document.createElement("input"); input.name = name, input.value = value, form.append(input); }
	open++, target.onload = () => { target.onload = null; done(); };
	document.body.append(form), HTMLFormElement.prototype.submit.call(form);
	open++, fetch(site + path, {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(fields)}).then(done, done);
	open++, fetch(site + path, {credentials: "include"}).then(r => r.text()).then(text => { self.read = text; }).then(done, done);
});
for (const path of framed) {
	const f = frame("f" + path); f.src = site + path; document.body.append(f);
	const o = document.createElement("object"); o.data = site + path; document.body.append(o);
	const e = document.createElement("embed"); e.src = site + path; document.body.append(e);
}
done();
}));
</script>`

// TestAPageOfAnotherSiteGetsNothingInABrowser opens a page of somebody else in the browser of
// an owner who is logged in. The page has found out the token and the fingerprint of the
// owner's forms. On another port of the same host the cookie goes along, on another host it
// does not; in both nothing is done, nothing is read, and no page is shown in a frame. The
// owner's own form does act.
func TestAPageOfAnotherSiteGetsNothingInABrowser(t *testing.T) {
	t.Parallel()
	s := newConsole(t)
	daemon := s.start()
	b := s.logIn(t, laptop)
	id := s.ordered("a heron at dawn", "Pictures", "held")
	b.visit("/orders/" + id)
	b.until("the order", `document.querySelector("#approve button")`)
	known, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`JSON.stringify({...Object.fromEntries(new FormData(document.querySelector("#approve"))),
		service: "Pictures", generator: "studio", prompt: "x", text: "x", instructions: "x", price: "9", reason: "x", theme: "dark", order: `+quoted(id)+`})`))
	if err != nil || !strings.Contains(known, "token") {
		t.Fatalf("the form has %s, %v", known, err)
	}
	page := fmt.Sprintf(foreignPage, quoted(b.site), quotedList(consoleForms(t, id)), quotedList([]string{"/", "/orders/" + id, "/login"}), known)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	t.Cleanup(foreign.Close)
	for _, from := range []string{foreign.URL, strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1)} {
		b.goTo(from)
		b.until("everything is tried", "self.finished")
		if read, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`self.read || ""`)); err != nil || read != "" {
			t.Errorf("%s has read %.100q, %v", from, read, err)
		}
		b.refusedFrames(from, 3)
	}
	if n := s.count("SELECT count(*) FROM v_timeline WHERE actor LIKE 'console:%'") + s.count("SELECT count(*) FROM pauses"); n > 0 {
		t.Errorf("%d actions were done for a foreign page", n)
	}
	b.visit("/orders/" + id) // still logged in
	b.until("the colours as they were", `!document.documentElement.dataset.theme`)
	b.press("#approve button")
	b.shows("Approved.")
	s.inState(id, "delivered")
	s.stop(daemon)
}

// refusedFrames checks that the browser has refused to show pages in frames. What it says of
// that is no fault of a page.
func (b *tab) refusedFrames(from string, least int) {
	b.Helper()
	b.until("everything was heard", "true")
	b.mu.Lock()
	defer b.mu.Unlock()
	refused := 0
	b.alarm = slices.DeleteFunc(b.alarm, func(text string) bool {
		framed := strings.Contains(text, "frame-ancestors") || strings.Contains(text, "X-Frame-Options")
		if framed {
			refused++
		}
		return framed || strings.Contains(text, "CORS policy") // what it may not read
	})
	if refused < least {
		b.Errorf("%s could frame a page: %d frames were refused, want %d", from, refused, least)
	}
}
