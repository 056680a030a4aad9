package atelier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

const (
	testAgent = "ext_1708123456789_abc123xyz"
	testKey   = "atelier_a1b2c3d4e5f60718"
)

// sent is a request as a server saw it.
type sent struct {
	method, uri string
	header      http.Header
	length      int64
	body        string
}

// serve starts a server that records each request with its body and answers with
// handle. The function returns the requests so far.
func serve(t testing.TB, handle http.HandlerFunc) (*httptest.Server, func() []sent) {
	t.Helper()
	var mu sync.Mutex
	var seen []sent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Logf("server: %s %s: %v", r.Method, r.URL, err)
		}
		mu.Lock()
		seen = append(seen, sent{r.Method, r.RequestURI, r.Header.Clone(), r.ContentLength, string(body)})
		mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s, func() []sent {
		mu.Lock()
		defer mu.Unlock()
		return append([]sent(nil), seen...)
	}
}

// answer is a handler with one fixed answer.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// ledger is a Meter that records its calls.
type ledger struct {
	mu      sync.Mutex
	refuse  error
	taken   []string
	answers []order.Answer
}

func (l *ledger) Take(_ context.Context, call order.RequestKind, orderID string) (func(order.Answer), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return nil, l.refuse
	}
	l.taken = append(l.taken, strings.TrimSuffix(string(call)+" "+orderID, " "))
	return func(a order.Answer) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.answers = append(l.answers, a)
	}, nil
}

func parse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func credentials() Credentials { return Credentials{testAgent, secret.New(testKey)} }

// client talks to address + "/api".
func client(t testing.TB, address string, change ...func(*Options)) (*Client, *ledger) {
	t.Helper()
	meter := &ledger{}
	o := Options{BaseURL: parse(t, address+"/api"), Credentials: credentials, Meter: meter, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c := New(o)
	if tr, ok := c.Transport.(*http.Transport); ok {
		t.Cleanup(tr.CloseIdleConnections)
	}
	return c, meter
}

// failed returns the two layers of an error. Without them the test fails.
func failed(t testing.TB, err error) (*order.Failure, *CallError) {
	t.Helper()
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		t.Fatalf("error %T %v, want an *order.Failure", err, err)
	}
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		t.Fatalf("no *CallError in %v", err)
	}
	return f, e
}

func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(want), &w)); err != nil {
		t.Fatalf("%v in %s or %s", err, got, want)
	}
	gb, _ := json.Marshal(g)
	wb, _ := json.Marshal(w)
	if string(gb) != string(wb) {
		t.Errorf("body = %s, want %s", gb, wb)
	}
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// readAll reads a listing into one.
func readAll(body io.Reader, limit int64) (listing order.Listing, err error) {
	err = readListing(body, limit, func(part order.Listing) error {
		listing.Orders, listing.Bad = append(listing.Orders, part.Orders...), append(listing.Bad, part.Bad...)
		return nil
	})
	if err != nil {
		return order.Listing{}, err
	}
	return listing, nil
}

// compact returns a JSON text without blanks, as rows of a listing are kept.
func compact(text string) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		panic(err)
	}
	return b.Bytes()
}
