package app

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
	"atelierd/internal/store/viewsql"
)

// artist is a generator that works or fails as a test says.
type artist struct {
	mu   sync.Mutex
	err  error
	hold chan struct{} // what is made waits for it; nil for nothing
}

func (p *artist) set(err error, hold chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.hold = err, hold
}

func (p *artist) Check(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *artist) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	p.mu.Lock()
	err, hold := p.err, p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return generate.Result{}, generate.Stopped(ctx)
		}
	}
	if err != nil {
		return generate.Result{}, err
	}
	file := filepath.Join(r.OutputDir, "out.png")
	return generate.Result{Files: []string{file}}, os.WriteFile(file, append(append([]byte{}, picture...), r.OrderID...), 0o600)
}

// atDesk is a daemon with a console and a marketplace, both reached over HTTP, and the
// browser of an owner.
type atDesk struct {
	*consoled
	artist *artist
	url    string
	page   string // the page that the browser shows
}

func newAtDesk(t *testing.T) *atDesk {
	t.Helper()
	d := &atDesk{consoled: &consoled{restarts: newRestarts(t, storetest.Dir(t))}, artist: &artist{}}
	server := httptest.NewServer(d.market)
	t.Cleanup(server.Close)
	c := &d.cfg
	c.BaseURL, c.BlobURL, c.Local = server.URL+"/api", server.URL+"/blob/", true
	c.Agent.OwnerWallet = "So11111111111111111111111111111111111111112"
	c.Console, c.Digest = config.Console{Listen: "127.0.0.1:0"}, "1"
	c.Poll.Interval, c.Messages.Interval, c.Messages.WindowInterval, c.Bounties.Interval = time.Second, time.Hour, time.Hour, time.Hour
	c.Budget = config.Budget{Window: time.Minute, Poll: 1000, Deliver: 1000, Upload: 1000, Messages: 1000, Services: 1000, Register: 5, Token: 10, Bounties: 1000}
	c.Generators = map[string]config.Generator{"studio": {Type: "canvas", Cost: order.Dollar / 10}}
	backend := fulfill.Generator{Name: "studio", Backend: d.artist, Price: order.Dollar / 10, Breaker: &generate.Breaker{Probe: d.artist.Check}}
	a, err := Open(t.Context(), Options{Config: c, Getenv: d.getenv, Generators: map[string]fulfill.Generator{"studio": backend}})
	if err != nil {
		t.Fatal(err)
	}
	d.app = a
	t.Cleanup((&drill{t: t}).start(a))
	var failed string
	if d.url, failed = d.served(); failed != "" {
		t.Fatal(failed)
	}
	d.login("jo")
	d.until("the service is listed", func() bool { return len(d.market.Services()) == 1 })
	return d
}

// login gives the browser a new session.
func (d *atDesk) login(name string) {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.client = &http.Client{Jar: jar, Timeout: 2 * time.Minute}
	d.t.Cleanup(d.client.CloseIdleConnections)
	link := d.loop().link(d.t.Context(), name)
	if status := d.send(http.MethodPost, strings.TrimPrefix(link.URL, d.url), nil); status != http.StatusOK {
		d.t.Fatalf("the log-in answers %d", status)
	}
}

// send asks the console, and shows the page that it leads to.
func (d *atDesk) send(method, path string, form url.Values) int {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	d.page = string(text)
	return resp.StatusCode
}

func (d *atDesk) open(path string) {
	d.t.Helper()
	if status := d.send(http.MethodGet, path, nil); status != http.StatusOK {
		d.t.Fatalf("%s answers %d", path, status)
	}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// form returns the hidden fields of a form of the page that is shown.
func (d *atDesk) form(action string) url.Values {
	d.t.Helper()
	_, rest, ok := strings.Cut(d.page, `action="`+action+`"`)
	if !ok {
		d.t.Fatalf("the page has no form %s\n%.6000s", action, d.page)
	}
	text, _, _ := strings.Cut(rest, "</form>")
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(text, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

// press sends a form of the page that is shown, with what is typed into it.
func (d *atDesk) press(action string, typed ...string) {
	d.t.Helper()
	form := d.form(action)
	for i := 0; i+1 < len(typed); i += 2 {
		form.Set(typed[i], typed[i+1])
	}
	d.send(http.MethodPost, action, form)
}

// shows fails unless the page has each of the texts.
func (d *atDesk) shows(texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if !strings.Contains(d.page, text) {
			_, main, _ := strings.Cut(d.page, "<main")
			d.t.Errorf("the page does not show %q\n%.1500s", text, main)
		}
	}
}

// until waits for what the daemon does by itself.
func (d *atDesk) until(what string, is func() bool) {
	d.t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(2 * time.Minute); !is(); <-again.C {
		if time.Now().After(end) {
			d.t.Fatalf("not in time: %s", what)
		}
	}
}

// sell changes what is configured, as a reload does.
func (d *atDesk) sell(change func(*config.Service)) {
	cfg := *d.app.config()
	cfg.Services = append([]config.Service{}, cfg.Services...)
	change(&cfg.Services[0])
	d.app.live.Store(&live{&cfg, d.app.live.Load().services})
}

// noted fails unless jo did so much of something, by the timeline.
func (d *atDesk) noted(text string, times int) {
	d.t.Helper()
	r, err := viewsql.New(d.cfg.DataDir).Run(d.t.Context(), "SELECT count(*) FROM v_timeline WHERE actor = 'console:jo' AND text = '"+text+"'")
	if err != nil {
		d.t.Fatal(err)
	}
	if got := fmt.Sprint(r.Rows[0][0]); got != fmt.Sprint(times) {
		d.t.Errorf("the timeline says %s times that jo did %q, want %d", got, text, times)
	}
}

// at is what the marketplace lists.
func (d *atDesk) at() sandbox.Service { return d.market.Services()[0] }
