package fetch

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// public returns a client for which a new server is https://example.com and every
// name under it.
func public(t *testing.T, o Options, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	o.Transport = srv.Client().Transport
	return New(o)
}

// private returns a client and the URL of a new server on a trusted port of this host,
// which it reaches over the real network.
func private(t *testing.T, o Options, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.Trusted = []string{srv.Listener.Addr().String()}
	return New(o), srv.URL
}

func TestTheStatusDecidesWhetherTryingAgainHelps(t *testing.T) {
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
		t.Error("another error counts as one of a fetch")
	}
}

// hop redirects from /n to /n-1, down to /0.
func hop(w http.ResponseWriter, r *http.Request) {
	if left, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/")); left > 0 {
		status := []int{301, 302, 303, 307, 308}[left%5]
		w.Header().Set("Location", fmt.Sprintf("/%d?sig=hunter2", left-1))
		w.WriteHeader(status)
		return
	}
	io.WriteString(w, "a fox")
}

func TestThreeRedirectsAreFollowedButNotAFourth(t *testing.T) {
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

func TestARedirectToAForbiddenAddressIsRejected(t *testing.T) {
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

func TestARedirectIntoThePrivateNetworkIsRejected(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://localhost/?sig=hunter2") // only dialling shows the address
		w.WriteHeader(http.StatusFound)
	})
	_, err := c.Fetch(t.Context(), link, io.Discard)
	refusedFor(t, err, "https://localhost/")
}

func TestALargeBodyIsRejected(t *testing.T) {
	t.Parallel()
	c := public(t, Options{MaxBytes: 10}, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		} else {
			http.NewResponseController(w).Flush()
		}
		io.Copy(w, io.LimitReader(zeros{}, int64(size)))
	})
	for link, most := range map[string]int{"length?size=11": 0, "chunked?size=11": 11, "chunked?size=1000000": 11} {
		var got bytes.Buffer
		n, err := c.Fetch(t.Context(), "https://example.com/"+link, &got)
		refusedFor(t, err, "example.com")
		if got.Len() != most || n != int64(most) {
			t.Errorf("%s: %d bytes came through", link, got.Len())
		}
	}
	for _, link := range []string{"length?size=10", "chunked?size=10", "length?size=0"} {
		if _, err := c.Fetch(t.Context(), "https://example.com/"+link, io.Discard); err != nil {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestARequestHasNoReferrerAndNoCookies(t *testing.T) {
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

// Some servers compress although they are asked not to. What is unpacked has the same
// limit as any body.
func TestACompressedBodyIsUnpackedUpToTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.Copy(z, io.LimitReader(zeros{}, limit))
	z.Close()
	answer := packed.Bytes()
	serve := func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compression was requested")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(answer)
	}
	var got bytes.Buffer
	c, link := private(t, Options{MaxBytes: limit}, serve)
	if n, err := c.Fetch(t.Context(), link, &got); err != nil || n != limit || got.Len() != limit {
		t.Errorf("got %d bytes, %v", got.Len(), err)
	}
	c, link = private(t, Options{MaxBytes: limit - 1}, serve)
	if _, err := c.Fetch(t.Context(), link, io.Discard); err == nil || Temporary(err) {
		t.Errorf("beyond the limit: %v", err)
	}
	c, link = private(t, Options{}, serve)
	answer = packed.Bytes()[:packed.Len()-9]
	if _, err := c.Fetch(t.Context(), link, io.Discard); !Temporary(err) {
		t.Errorf("cut: %v", err)
	}
	answer = []byte("not compressed at all")
	got.Reset()
	if _, err := c.Fetch(t.Context(), link, &got); err != nil || got.String() != string(answer) {
		t.Errorf("a wrong header: %q, %v", got.String(), err)
	}
}

func TestALongHeaderIsRejected(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("a", 100<<10))
	})
	if _, err := c.Fetch(t.Context(), link, io.Discard); err == nil {
		t.Error("a header of 100 KB was accepted")
	}
}

func TestAnIncompleteBodyIsTemporary(t *testing.T) {
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

// The server knows the whole link, with its secret.
func TestTheServerIsNotQuoted(t *testing.T) {
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

func TestAnErrorOfTheWriterIsPermanent(t *testing.T) {
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
