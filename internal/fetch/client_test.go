package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
)

// public gives a server that stands for https://example.com and for all names
// under it, and a client that takes it for that.
func public(t *testing.T, o Options, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	o.Transport = srv.Client().Transport
	return New(o)
}

// private gives a server on a trusted port of this host, which a client reaches
// through the network as it is.
func private(t *testing.T, o Options, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.Trusted = []string{srv.Listener.Addr().String()}
	return New(o), srv.URL
}

func TestTheAnswerDecidesWhetherAnotherTryHelps(t *testing.T) {
	t.Parallel()
	c := public(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.WriteHeader(status)
	})
	for status, want := range map[int]struct{ gone, temporary bool }{
		204: {}, 206: {}, 304: {}, 400: {}, 402: {}, 416: {}, 600: {},
		401: {gone: true}, 403: {gone: true}, 404: {gone: true}, 410: {gone: true}, 451: {gone: true},
		408: {temporary: true}, 425: {temporary: true}, 429: {temporary: true},
		500: {temporary: true}, 503: {temporary: true}, 599: {temporary: true},
	} {
		n, err := c.Fetch(t.Context(), fmt.Sprintf("https://example.com/%d?sig=hunter2", status), io.Discard)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Status != status || n != 0 {
			t.Errorf("%d: got %d, %v", status, n, err)
			continue
		}
		wrapped := fmt.Errorf("reference 1: %w", err)
		if Gone(wrapped) != want.gone || Temporary(wrapped) != want.temporary {
			t.Errorf("%d: gone %t, temporary %t", status, Gone(wrapped), Temporary(wrapped))
		}
		discreet(t, err, "example.com")
	}
	if Gone(nil) || Temporary(nil) || Gone(io.EOF) || Temporary(io.EOF) {
		t.Error("what is no error of a fetch is taken for one")
	}
}

// hop leads from /n to /n-1, until /0.
func hop(w http.ResponseWriter, r *http.Request) {
	if left, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/")); left > 0 {
		status := []int{301, 302, 303, 307, 308}[left%5]
		w.Header().Set("Location", fmt.Sprintf("/%d?sig=hunter2", left-1))
		w.WriteHeader(status)
		return
	}
	io.WriteString(w, "a fox")
}

func TestThreeRedirectsAreFollowedAndNoFourth(t *testing.T) {
	t.Parallel()
	c := public(t, Options{}, hop)
	var got strings.Builder
	if n, err := c.Fetch(t.Context(), "https://example.com/3", &got); n != 5 || err != nil || got.String() != "a fox" {
		t.Errorf("three: got %d %q %v", n, got.String(), err)
	}
	got.Reset()
	_, err := c.Fetch(t.Context(), "https://example.com/4", &got)
	refusedFor(t, err, "example.com")
	if got.Len() != 0 {
		t.Errorf("four: got %q", got.String())
	}
}

func TestARedirectToWhatIsRefusedIsRefused(t *testing.T) {
	t.Parallel()
	to := []string{
		"https://127.0.0.1/a?sig=hunter2",
		"//127.0.0.1/a?sig=hunter2",
		"https://169.254.169.254/latest/meta-data?sig=hunter2",
		"https://[::1]/a?sig=hunter2",
		"https://2130706433/a?sig=hunter2",
		"http://example.com/a?sig=hunter2",
		"https://example.com:8443/a?sig=hunter2",
		"https://user:hunter2@example.com/a",
		"https://example.com/a?sig=hunter2" + strings.Repeat("a", 2048),
		"file:///etc/passwd?hunter2",
		"%zz?sig=hunter2",
		"",
	}
	asked := atomic.Int32{}
	c := public(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		i, err := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if err != nil {
			t.Errorf("%s was asked", r.URL)
		}
		w.Header()["Location"] = []string{to[i]}
		w.WriteHeader(http.StatusFound)
	})
	for i := range to {
		_, err := c.Fetch(t.Context(), fmt.Sprintf("https://example.com/%d", i), io.Discard)
		refusedFor(t, err, "https://example.com/")
	}
	if int(asked.Load()) != len(to) {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestARedirectIntoTheOwnersNetworkIsRefused(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://localhost/?sig=hunter2") // only the dial can tell
		w.WriteHeader(http.StatusFound)
	})
	_, err := c.Fetch(t.Context(), link, io.Discard)
	refusedFor(t, err, "https://localhost/")
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	c := public(t, Options{MaxBytes: 10}, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if r.URL.Path == "/told" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		} else {
			http.NewResponseController(w).Flush()
		}
		io.Copy(w, io.LimitReader(zeros{}, int64(size)))
	})
	for link, most := range map[string]int{"told?size=11": 0, "untold?size=11": 11, "untold?size=1000000": 11} {
		var got bytes.Buffer
		n, err := c.Fetch(t.Context(), "https://example.com/"+link, &got)
		refusedFor(t, err, "example.com")
		if got.Len() != most || n != int64(most) {
			t.Errorf("%s: %d bytes came through", link, got.Len())
		}
	}
	for _, link := range []string{"told?size=10", "untold?size=10", "told?size=0"} {
		if _, err := c.Fetch(t.Context(), "https://example.com/"+link, io.Discard); err != nil {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestNothingOfTheOwnerIsSent(t *testing.T) {
	t.Parallel()
	var last atomic.Pointer[http.Header]
	c := public(t, Options{UserAgent: "atelierd/1"}, func(w http.ResponseWriter, r *http.Request) {
		if last.Swap(&r.Header) == nil {
			http.SetCookie(w, &http.Cookie{Name: "who", Value: "you"})
			http.Redirect(w, r, "https://files.example.com/b", http.StatusFound)
		}
	})
	if _, err := c.Fetch(t.Context(), "https://example.com/a?sig=hunter2", io.Discard); err != nil {
		t.Fatal(err)
	}
	sent := *last.Load()
	if sent.Get("User-Agent") != "atelierd/1" || sent.Get("Accept-Encoding") != "identity" || len(sent) != 2 {
		t.Errorf("sent %v", sent)
	}
}

func TestAPackedBodyIsNotUnpacked(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.Copy(z, io.LimitReader(zeros{}, 1<<20))
	z.Close()
	c, link := private(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("it was asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	})
	var got bytes.Buffer
	if _, err := c.Fetch(t.Context(), link, &got); err != nil || !bytes.Equal(got.Bytes(), packed.Bytes()) {
		t.Errorf("got %d bytes, %v", got.Len(), err)
	}
}

func TestAnEndlessHeaderIsRefused(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("a", 100<<10))
	})
	if _, err := c.Fetch(t.Context(), link, io.Discard); err == nil {
		t.Error("a header of 100 KB is taken")
	}
}

// proxied tells that the proxy of the environment was asked.
var proxied atomic.Bool

// TestMain sets a proxy for all tests, since the environment is read only once.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Store(true) }))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		os.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		os.Unsetenv(name)
	}
	m.Run()
}

func TestTheProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Parallel()
	c := New(Options{Trusted: []string{"atelierd.invalid:80"}, Timeout: 5 * time.Second})
	_, err := c.Fetch(t.Context(), "http://atelierd.invalid/?sig=hunter2", io.Discard)
	if proxied.Load() || !Temporary(err) {
		t.Errorf("the proxy was asked: %t, %v", proxied.Load(), err)
	}
	discreet(t, err, "atelierd.invalid")
}

// A result of a provider is fetched by the way in which the provider is asked.
func TestAProxyThatIsGivenIsAskedForWhatIsNotTrusted(t *testing.T) {
	t.Parallel()
	var asked atomic.Pointer[string]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Method + " " + r.Host
		asked.Store(&what)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	use := via
	c := New(Options{Proxy: func(*http.Request) (*url.URL, error) { return use, nil }})
	if _, err := c.Fetch(t.Context(), "https://files.example/a?sig=hunter2", io.Discard); err == nil || asked.Load() == nil || *asked.Load() != "CONNECT files.example:443" {
		t.Errorf("the proxy was asked for %v, %v", asked.Load(), err)
	}
	asked.Store(nil)
	for _, link := range []string{"https://127.0.0.1/x", "http://files.example/x", "https://10.0.0.1/"} {
		_, err := c.Fetch(t.Context(), link, io.Discard)
		refusedFor(t, err, link)
	}
	use = nil // none for this address: then the address is looked at
	_, err = c.Fetch(t.Context(), "https://localhost/x", io.Discard)
	refusedFor(t, err, "localhost")
	if asked.Load() != nil {
		t.Errorf("the proxy was asked for %s", *asked.Load())
	}
}

func TestABodyThatBreaksOffIsTemporary(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"less than its length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "a fox")
		},
		"a chunk too few": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a fox")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		c, link := private(t, Options{}, h)
		if n, err := c.Fetch(t.Context(), link+"/?sig=hunter2", io.Discard); !Temporary(err) || Gone(err) || n > 5 {
			t.Errorf("%s: got %d, %v", name, n, err)
		} else {
			discreet(t, err, link)
		}
	}
}

func TestAServerThatIsNotThereIsTemporary(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c := New(Options{Trusted: []string{srv.Listener.Addr().String()}})
	_, err := c.Fetch(t.Context(), srv.URL+"/?sig=hunter2", io.Discard)
	if !Temporary(err) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	discreet(t, err, srv.URL)
}

// What the server sends knows the whole link.
func TestAServerThatRepeatsTheLinkIsNotQuoted(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		fmt.Fprintf(conn, "%s\r\n\r\n", r.URL)
		conn.Close()
	})
	_, err := c.Fetch(t.Context(), link+"/?sig=hunter2", io.Discard)
	if !Temporary(err) {
		t.Errorf("got %v", err)
	}
	discreet(t, err, link)
}

func TestACertificateOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of the refusal
	srv.StartTLS()
	defer srv.Close()
	c := New(Options{Trusted: []string{srv.Listener.Addr().String()}})
	_, err := c.Fetch(t.Context(), srv.URL+"/?sig=hunter2", io.Discard)
	refusedFor(t, err, srv.URL)
}

func TestAServerWithoutTLSIsRefused(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(http.ResponseWriter, *http.Request) {})
	link = strings.Replace(link, "http:", "https:", 1)
	_, err := c.Fetch(t.Context(), link+"/?sig=hunter2", io.Discard)
	refusedFor(t, err, link)
}

func TestAnErrorOfTheWriterIsNotTheServers(t *testing.T) {
	t.Parallel()
	c := public(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a fox") })
	r, w := io.Pipe()
	full := errors.New("the disk is full")
	r.CloseWithError(full)
	_, err := c.Fetch(t.Context(), "https://example.com/?sig=hunter2", w)
	refusedFor(t, err, "example.com")
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// drip gives a client in a bubble, whose server never answers, or sends a byte
// every second once it has begun.
func drip(t *testing.T, o Options, begin bool) *Client {
	l := pipenet.New()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for begin {
			if _, err := io.WriteString(w, "."); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			}
		}
		<-r.Context().Done()
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	o.Transport = &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}
	o.Trusted = []string{"files.example:8188"}
	return New(o)
}

const slow = "http://files.example:8188/a?sig=hunter2"

func TestASlowServerIsLeftWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for want, o := range map[time.Duration]Options{30 * time.Second: {}, 5 * time.Second: {Timeout: 5 * time.Second}} {
		for _, begin := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				n, err := drip(t, o, begin).Fetch(t.Context(), slow, io.Discard)
				if took := time.Since(start); took != want || !Temporary(err) || begin != (n > 0) {
					t.Errorf("begun %t: after %s: %d, %v", begin, took, n, err)
				}
				discreet(t, err, "files.example:8188")
			})
		}
	}
}

func TestAFetchThatIsCancelledIsNotTemporary(t *testing.T) {
	t.Parallel()
	for _, begin := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the daemon is stopping")
			time.AfterFunc(3*time.Second, func() { cancel(why) })
			start := time.Now()
			_, err := drip(t, Options{}, begin).Fetch(ctx, slow, io.Discard)
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("after %s", took)
			}
			if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || Temporary(err) || Gone(err) {
				t.Errorf("got %v", err)
			}
			discreet(t, err, "files.example:8188")
		})
	}
}

func TestAFetchWhoseCallerHasNoMoreTimeIsTemporary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := drip(t, Options{}, true).Fetch(ctx, slow, io.Discard)
		if !errors.Is(err, context.DeadlineExceeded) || !Temporary(err) {
			t.Errorf("got %v", err)
		}
	})
}
