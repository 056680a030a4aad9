package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

const (
	// siegeOrders are delivered alone, and as many during the attack.
	siegeOrders = 60
	// siegeRequests are sent to the console meanwhile, by siegeSenders at the same time.
	siegeRequests = 10_000
	siegeSenders  = 16
	// siegePace is the time between two of them. Without one, the attack takes the
	// processors that it shares with the daemon, whatever the console does.
	siegePace = 2 * time.Millisecond
	// slowHeaders, slowBodies and deafReaders are clients that keep their connections: they
	// send a header byte by byte, never finish a form, or read no byte of a stream.
	slowHeaders = 240
	slowBodies  = 40
	deafReaders = 6
	// siegeMemory is the most memory that the daemon may ever have had, in bytes.
	siegeMemory = 400 << 20
	// siegeConns is how many descriptors it may have more than before: the connections of the
	// console, and what orders need.
	siegeConns = 128 + 60
)

// besieger attacks the console of a daemon, as somebody on its network can.
type besieger struct {
	*fixture
	address string // host and port
	session *http.Cookie
	stop    chan struct{}
	all     sync.WaitGroup
	left    atomic.Int64
	answers [600]atomic.Int64 // by status
	held    atomic.Int64      // connections of slow clients
	most    int               // descriptors of the daemon at the same time
}

// TestOrdersAreWorkedOnWhileTheConsoleIsAttacked delivers orders alone, and again while the
// console gets ten thousand requests next to slow clients. Each order is delivered once, the
// memory stays bounded, and the owner is answered afterwards.
func TestOrdersAreWorkedOnWhileTheConsoleIsAttacked(t *testing.T) {
	t.Parallel()
	// Without waits for the marketplace's limits the times can be compared.
	s := newFixture(t, sandbox.Options{Seed: 1, Limits: sandbox.Limits{Orders: 10_000, Deliver: 10_000, Quote: 10_000, Upload: 10_000, Messages: 10_000}})
	s.write("make-picture", makePicture, 0o755)
	text := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	s.write("atelierd.toml", text+"[console]\nlisten = \"127.0.0.1:0\"\n", 0o600)
	daemon := s.start()
	b := &besieger{fixture: s, stop: make(chan struct{})}
	b.logIn(daemon)
	alone := s.deliver(daemon)
	before, open := memory(t, daemon), descriptors(daemon)
	end := sync.OnceFunc(func() { close(b.stop); b.all.Wait() })
	t.Cleanup(end)
	b.begin()
	b.all.Go(func() { b.watch(daemon) })
	attacked := s.deliver(daemon)
	s.until("the console does not answer its owner next to slow clients", b.answersTheOwner)
	s.until("the requests are not all answered", func() bool { return b.left.Load() <= 0 })
	end()
	s.until("the console does not answer its owner afterwards", b.answersTheOwner)
	after, most := memory(t, daemon), b.most-open
	s.stop(daemon)
	s.checkOnce()
	t.Logf("%d orders took %s alone and %s next to %d requests and %d slow connections: %.2f times as long", siegeOrders,
		alone.Round(time.Millisecond), attacked.Round(time.Millisecond), siegeRequests, b.held.Load(), float64(attacked)/float64(alone))
	t.Logf("the most memory of the daemon was %d MiB before and %d MiB after; it had %d descriptors more", before/mib, after/mib, most)
	for status := range b.answers {
		if n := b.answers[status].Load(); n > 0 {
			t.Logf("status %d: %d times", status, n)
		}
		if status >= 500 && status != http.StatusServiceUnavailable && b.answers[status].Load() > 0 {
			t.Errorf("the console failed with status %d", status)
		}
	}
	if after > siegeMemory || most > siegeConns {
		t.Errorf("the daemon had %d MiB of memory and %d descriptors more, want at most %d and %d", after/mib, most, siegeMemory/mib, siegeConns)
	}
	if b.held.Load() < slowHeaders+slowBodies || b.answers[http.StatusTooManyRequests].Load() == 0 || b.answers[http.StatusOK].Load() == 0 {
		t.Error("the attack was none")
	}
}

// deliver places orders, waits until all are delivered, and returns how long that took.
func (s *fixture) deliver(daemon *child) time.Duration {
	s.t.Helper()
	began := time.Now()
	s.place(siegeOrders)
	s.await(daemon)
	return time.Since(began)
}

// memory returns the most memory that a daemon has had.
func memory(t *testing.T, daemon *child) int64 {
	t.Helper()
	status := must(os.ReadFile(fmt.Sprintf("/proc/%d/status", daemon.Process.Pid)))
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("the memory is not known: %s", status)
	}
	return must(strconv.ParseInt(string(m[1]), 10, 64)) << 10
}

// watch counts the descriptors of a daemon until the end of the attack.
func (b *besieger) watch(daemon *child) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		b.most = max(b.most, descriptors(daemon))
		select {
		case <-b.stop:
			return
		case <-tick.C:
		}
	}
}

// descriptors returns how many descriptors a daemon has; 0 if only root may see that.
func descriptors(daemon *child) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", daemon.Process.Pid))
	return len(list)
}

// logIn logs in with a link.
func (b *besieger) logIn(daemon *child) {
	b.t.Helper()
	var link struct{ URL string }
	b.until("the console does not start", func() bool {
		_, out := b.command("console", "--print", "--json")
		return json.Unmarshal([]byte(out), &link) == nil && link.URL != ""
	})
	at := must(url.Parse(link.URL))
	b.address = at.Host
	resp := must(http.DefaultTransport.RoundTrip(must(http.NewRequest(http.MethodPost, link.URL, http.NoBody))))
	defer resp.Body.Close()
	if len(resp.Cookies()) == 0 {
		b.t.Fatalf("the link does not log in: %s\n%s", resp.Status, daemon.log.String())
	}
	b.session = resp.Cookies()[0]
}

// answersTheOwner reports whether the first page is shown to its owner.
func (b *besieger) answersTheOwner() bool {
	r := must(http.NewRequest(http.MethodGet, "http://"+b.address+"/", nil))
	r.AddCookie(b.session)
	resp, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(body), ", owner")
}

// begin starts the attack. It lasts until stop is closed.
func (b *besieger) begin() {
	b.left.Store(siegeRequests)
	cookie := "Cookie: " + b.session.Name + "=" + b.session.Value + "\r\n"
	for n, first := range map[int]string{
		slowHeaders: "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		slowBodies:  "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nname=",
		deafReaders: "GET /live?on=/ HTTP/1.1\r\nHost: localhost\r\n" + cookie + "\r\n",
	} {
		for range n {
			b.all.Go(func() { b.slow(first, n != deafReaders) })
		}
	}
	pace := time.NewTicker(siegePace)
	b.t.Cleanup(pace.Stop)
	for range siegeSenders {
		b.all.Go(func() { b.send(pace.C) })
	}
}

// slow connects again and again, sends the beginning of a request, and then a byte at a
// time, or nothing, until the console cuts it off. It reads nothing.
func (b *besieger) slow(first string, more bool) {
	for {
		select {
		case <-b.stop:
			return
		default:
		}
		c, err := net.DialTimeout("tcp", b.address, time.Minute)
		if err != nil {
			return // the daemon has ended
		}
		b.held.Add(1)
		b.trickle(c, first, more)
		c.Close()
	}
}

func (b *besieger) trickle(c net.Conn, first string, more bool) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for text := first; ; text = "x" {
		if text == first || more {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
		select {
		case <-b.stop:
			return
		case <-tick.C:
		}
	}
}

// send sends requests until all are sent, one at each tick.
func (b *besieger) send(tick <-chan time.Time) {
	client := &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for n := b.left.Add(-1); n >= 0; {
		select {
		case <-b.stop:
			return
		case <-tick:
		}
		resp, err := client.Do(b.request(n))
		if err != nil { // it was not accepted in time, or cut off
			continue
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // what it says does not matter
		resp.Body.Close()
		b.answers[resp.StatusCode].Add(1)
		n = b.left.Add(-1)
	}
}

// request is one of those that somebody sends who guesses, or who has stolen a session.
func (b *besieger) request(n int64) *http.Request {
	form := url.Values{"name": {"jo"}, "password": {fmt.Sprint("guess", n)}, "token": {"wrong"}}.Encode()
	kinds := []struct{ method, path, token, cookie string }{
		{http.MethodPost, "/login", "", ""},
		{http.MethodGet, "/", "", ""},
		{http.MethodPost, "/mcp", "atelierd_wrong", ""},
		{http.MethodGet, "/login", "", ""},
		{http.MethodGet, "/orders", "", "wrong"},
		{http.MethodPost, fmt.Sprint("/login/guess", n), "", ""},
		{http.MethodGet, "/live?on=/", "", "wrong"},
		{http.MethodPost, "/pause", "", b.session.Value},
		{http.MethodGet, "/files/1/" + strings.Repeat("0", 64), "", b.session.Value},
		{http.MethodGet, fmt.Sprint("/orders?show=all&q=picture+", n), "", b.session.Value},
	}
	k := kinds[n%int64(len(kinds))]
	r := must(http.NewRequest(k.method, "http://"+b.address+k.path, bytes.NewReader([]byte(form))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if k.token != "" {
		r.Header.Set("Authorization", "Bearer "+k.token)
	}
	if k.cookie != "" {
		r.AddCookie(&http.Cookie{Name: b.session.Name, Value: k.cookie})
	}
	return r
}
