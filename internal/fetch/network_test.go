package fetch

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// proxied is set when the proxy of the environment gets a request.
var proxied atomic.Bool

// TestMain sets a proxy for all tests, because net/http reads the environment only once.
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

func TestTheProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	t.Parallel()
	c := New(Options{Trusted: []string{"atelierd.invalid:80"}, Timeout: 5 * time.Second})
	_, err := c.Fetch(t.Context(), "http://atelierd.invalid/?sig=hunter2", io.Discard)
	if proxied.Load() || !Temporary(err) {
		t.Errorf("the proxy got a request: %t, %v", proxied.Load(), err)
	}
	discreet(t, err, "atelierd.invalid")
}

// Results of a provider are fetched through the same proxy as its API.
func TestTheGivenProxyGetsWhatIsNotTrusted(t *testing.T) {
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
	use = nil // without a proxy the address is checked
	_, err = c.Fetch(t.Context(), "https://localhost/x", io.Discard)
	refusedFor(t, err, "localhost")
	if asked.Load() != nil {
		t.Errorf("the proxy was asked for %s", *asked.Load())
	}
}

func TestAMissingServerIsTemporary(t *testing.T) {
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

func TestAWrongCertificateIsRejected(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the server logs the failed handshake
	srv.StartTLS()
	defer srv.Close()
	c := New(Options{Trusted: []string{srv.Listener.Addr().String()}})
	_, err := c.Fetch(t.Context(), srv.URL+"/?sig=hunter2", io.Discard)
	refusedFor(t, err, srv.URL)
}

func TestAServerWithoutTLSIsRejected(t *testing.T) {
	t.Parallel()
	c, link := private(t, Options{}, func(http.ResponseWriter, *http.Request) {})
	link = strings.Replace(link, "http:", "https:", 1)
	_, err := c.Fetch(t.Context(), link+"/?sig=hunter2", io.Discard)
	refusedFor(t, err, link)
}
