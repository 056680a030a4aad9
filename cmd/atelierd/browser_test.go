package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"atelierd/internal/sandbox"
)

// envBrowser names the browser of the tests. Where it is set, a test does not skip.
const envBrowser = "ATELIERD_TEST_BROWSER"

// findBrowser returns Chromium, or skips the test where there is none.
func findBrowser(t *testing.T) string {
	t.Helper()
	if name := os.Getenv(envBrowser); name != "" {
		return name
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed, so no page was opened in a browser; install chromium")
	return ""
}

// looks is how a page is looked at.
type looks struct {
	width, height int64
	dark          bool
	noScripts     bool
}

func (l looks) String() string {
	name := fmt.Sprint(l.width)
	if l.dark {
		name += " dark"
	}
	if l.noScripts {
		name += " without scripts"
	}
	return name
}

var (
	phone  = looks{width: 390, height: 844}
	laptop = looks{width: 1440, height: 900}
)

// tab is a tab of a browser, logged in at the console of a fixture.
type tab struct {
	*testing.T
	ctx  context.Context
	site string // as "http://127.0.0.1:41234"

	scripts bool

	mu    sync.Mutex
	alarm []string // what the page did that no page may do
}

// mouse says that there is one, also on a machine that has none.
const mouse = "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"

// newTab starts a browser with one tab, for one test. It ends with the test.
func newTab(t *testing.T, l looks) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("blink-settings", mouse))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &tab{T: t, ctx: ctx, scripts: !l.noScripts}
	if err := chromedp.Do(ctx); err != nil { // what begins here lasts as long as this context
		t.Fatalf("start the browser: %v", err)
	}
	b.look(l)
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.noScripts})
	command(b, log.Enable, cdp.Empty{})
	t.Cleanup(b.quiet)
	return b
}

// look changes how pages are looked at from now on.
func (b *tab) look(l looks) {
	b.Helper()
	scheme, mobile := "light", func(*emulation.SetDeviceMetricsOverrideParams, *emulation.SetTouchEmulationEnabledParams) {}
	if l.dark {
		scheme = "dark"
	}
	if l.width < 500 {
		mobile = chromedp.EmulateMobile
	}
	b.do(chromedp.EmulateViewport(l.width, l.height, mobile))
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// command runs a command of the browser.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.Fatal(err)
	}
}

// hear notes what no page may do: open a dialog, break the policy of the page, or fail in a script.
func (b *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		text = "a dialog: " + e.Message
		go func() { // the page hangs until it is closed
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		}()
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "Failed to load resource") {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	case *runtime.EventExceptionThrown:
		text = "a script failed: " + e.ExceptionDetails.Text
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.alarm = append(b.alarm, text)
	}
}

// quiet fails the test if a page did what none may do.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.alarm {
		b.Errorf("a page did what none may: %s", text)
	}
}

// do runs actions, one after the other.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatalf("%v\n%s", err, b.text())
	}
}

// text is what the page shows, for a test that has failed.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// visit opens a page of the console.
func (b *tab) visit(path string) {
	b.Helper()
	b.goTo(b.site + path)
	b.ready()
}

// goTo opens an address. It tries again if the page that is shown has gone to another one
// meanwhile, as after a form: the browser reports no end of such a visit.
func (b *tab) goTo(address string) {
	b.Helper()
	const tries = 6
	var err error
	for range tries {
		ctx, cancel := context.WithTimeout(b.ctx, patience/tries)
		err = chromedp.Do(ctx, chromedp.Navigate(address))
		cancel()
		if err == nil {
			return
		}
	}
	b.Fatalf("%s does not open: %v\n%s", address, err, b.text())
}

// ready waits until the script of the page has run.
func (b *tab) ready() {
	b.Helper()
	if b.scripts {
		b.until("a page whose script has run", `document.readyState === "complete" && (document.body.dataset.follow === undefined || !document.querySelector(".live[hidden]"))`)
	}
}

// press presses what a selector finds.
func (b *tab) press(selector string) {
	b.Helper()
	b.act(selector, chromedp.Click(chromedp.CSS(selector)))
}

// write types a text into what a selector finds.
func (b *tab) write(selector, text string) {
	b.Helper()
	b.act(selector, chromedp.Focus(chromedp.CSS(selector)))
	b.act(selector, chromedp.SendKeys(chromedp.CSS(selector), text))
	b.until(text, fmt.Sprintf("document.querySelector(%s).value === %s", quoted(selector), quoted(text)))
}

// act does something to what a selector finds, in the middle of the window, where no bar
// covers it. It tries again if the page has put another block in its place meanwhile, and
// is done if the page is another one by then.
func (b *tab) act(selector string, action chromedp.Action[chromedp.Void]) {
	b.Helper()
	b.until(selector, fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%s)`, quoted(selector)))
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(document.querySelector(%s).scrollIntoView({block: "center", behavior: "instant"}), true)`, quoted(selector))))
		if err == nil {
			err = chromedp.Do(ctx, action)
		} else if ctx.Err() == nil {
			return
		}
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			b.Fatalf("cannot act on %s: %v\n%s", selector, err, b.text())
		}
	}
}

// key presses the key of a letter. As for a person, the letter is not typed if the page has
// taken the key for something else.
func (b *tab) key(letter string) {
	b.Helper()
	command(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: letter, Text: letter})
	command(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: letter})
}

// shows waits until the page has a text.
func (b *tab) shows(text string) {
	b.Helper()
	b.until(text, fmt.Sprintf("document.body && document.body.innerText.includes(%s)", quoted(text)))
}

// until waits until an expression is true. It asks again and again, so that it works
// without scripts in the page, and while the page is replaced.
func (b *tab) until(what, expression string) {
	b.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && ok {
			return
		}
		select {
		case <-limit:
			b.Fatalf("the page does not show %q\n%s", what, b.text())
		case <-tick.C:
		}
	}
}

func quoted(text string) string {
	j := must(json.Marshal(text))
	return string(j)
}

// newConsole returns a fixture whose orders wait for the owner, with a console. The service
// Murals asks the owner for its price.
func newConsole(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t, sandbox.Options{Seed: 1})
	s.write("make-picture", makePicture, 0o755)
	name := filepath.Join(s.dir, "atelierd.toml")
	text := strings.Replace(string(must(os.ReadFile(name))), "generator = \"studio\"\n", "generator = \"studio\"\nmode = \"review\"\n", 1)
	text = strings.Replace(text, "[messages]\n", "[messages]\ninterval = \"1s\"\n", 1)
	s.write("atelierd.toml", text+`
[console]
listen = "127.0.0.1:0"
[[service]]
title = "Murals"
description = "Pictures for a wall, as large as the wall is, and with its windows in mind."
category = "image_gen"
price_usd = "9.00"
price_type = "quote"
deliverables = ["one picture"]
generator = "studio"
`, 0o600)
	return s
}

// logIn opens a tab and logs in with a link, as the owner does.
func (s *fixture) logIn(t *testing.T, l looks) *tab {
	t.Helper()
	var answer struct{ URL string }
	limit := time.Now().Add(patience)
	for answer.URL == "" {
		code, out := s.command("console", "--print", "--json")
		if err := json.Unmarshal([]byte(out), &answer); (code != 0 || err != nil) && time.Now().After(limit) {
			t.Fatalf("the console does not start\n%s", out)
		}
	}
	b := newTab(t, l)
	b.enter(answer.URL)
	return b
}

// enter logs in with a link.
func (b *tab) enter(link string) {
	b.Helper()
	b.site = link[:strings.Index(link, "/login/")]
	b.do(chromedp.Navigate(link))
	b.press("form button")
	b.until("the first page", `document.querySelector("nav a")`)
}

// ordered places an order and waits until the console has it in a state.
func (s *fixture) ordered(brief, service, state string) string {
	s.t.Helper()
	n := sandbox.NewOrder{ServiceTitle: service, Brief: brief}
	if service == "Murals" {
		n.Status = "pending_quote"
	}
	id, err := s.market.PlaceOrder(n)
	if err != nil {
		s.t.Fatal(err)
	}
	s.inState(id, state)
	return id
}

// inState waits until an order is in a state.
func (s *fixture) inState(id, state string) {
	s.t.Helper()
	s.until(id+" is not "+state, func() bool {
		return s.count("SELECT count(*) FROM orders WHERE id = '"+id+"' AND state = '"+state+"'") == 1
	})
}
