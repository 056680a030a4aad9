package mcp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"atelierd/internal/order"
	"atelierd/internal/store/viewsql"
)

// door is an endpoint over HTTP with one good token.
type door struct {
	*world
	url string

	mu      sync.Mutex
	caller  Caller
	lookups int
	err     error
}

func newDoor(w *world) *door {
	d := &door{world: w, caller: Caller{By: order.Agent("night-watch")}}
	server := httptest.NewServer(w.server.Handler(func(_ context.Context, secret string) (Caller, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.lookups++
		if secret != "good" {
			return Caller{}, ErrToken
		}
		return d.caller, d.err
	}))
	w.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// set changes what the token may do, or why it cannot be looked up.
func (d *door) set(allow []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.caller.Allow, d.err = allow, err
}

// bearer sends a token with each request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func (d *door) connect() *agent {
	d.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(d.Context(),
		&sdk.StreamableClientTransport{Endpoint: d.url, HTTPClient: &http.Client{Transport: bearer("good")}}, nil)
	d.must(err)
	d.Cleanup(func() { session.Close() })
	return &agent{d.T, session}
}

// post sends a request by hand, and returns its status and body.
func (d *door) post(authorization, body string) (status int, text string) {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url, strings.NewReader(body))
	d.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(r)
	d.must(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	d.must(err)
	return res.StatusCode, string(data)
}

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// TestAnAgentActsByHTTP guards that what a token may do is looked up for each request.
func TestAnAgentActsByHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 640))
	d := newDoor(w)
	a := d.connect()
	r := a.call("get_order", args{"order": "ord_1"})
	if r.failed || len(r.pictures) != 1 {
		t.Fatalf("%d pictures: %s", len(r.pictures), r.text)
	}
	in := args{"order": "ord_1", "fingerprint": a.fingerprint("ord_1")}
	if r := a.call("approve", in); !r.failed || !strings.Contains(r.text, "is not allowed") {
		t.Errorf("approved without leave: %+v", r)
	}
	d.set([]string{"approve"}, nil)
	if v := a.value("approve", in); v["done"] != true || w.state("ord_1") != order.StateWorking {
		t.Errorf("the answer is %v, the order is %s", v, w.state("ord_1"))
	}
	if texts := w.acted("ord_1"); len(texts) != 1 {
		t.Errorf("done %q", texts)
	}
}

func TestAWrongTokenIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoor(newWorld(t))
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic good", "good", "Bearer " + strings.Repeat("x", 300)} {
		if status, body := d.post(header, ping); status != http.StatusUnauthorized || !strings.Contains(body, "token add") {
			t.Errorf("with %.20q: %d %s", header, status, body)
		}
	}
	if d.lookups != 0 {
		t.Errorf("%d were looked up", d.lookups)
	}
	if status, body := d.post("bearer good", ping); status != http.StatusOK {
		t.Fatalf("the good token: %d %s", status, body)
	}
	statuses := map[int]int{}
	for range 50 {
		status, _ := d.post("Bearer wrong", ping)
		statuses[status]++
	}
	if statuses[http.StatusUnauthorized] != wrongPerMin || statuses[http.StatusTooManyRequests] != 50-wrongPerMin || d.lookups != 1+wrongPerMin {
		t.Errorf("statuses %v, %d looked up", statuses, d.lookups)
	}
	if status, body := d.post("Bearer good", ping); status != http.StatusOK {
		t.Errorf("the good token while others guess: %d %s", status, body)
	}
	d.set(nil, errors.New("the disk is full"))
	if status, body := d.post("Bearer good", ping); status != http.StatusInternalServerError || strings.Contains(body, "disk") {
		t.Errorf("while tokens cannot be read: %d %s", status, body)
	}
}

func TestGuessesAreCountedByTheMinute(t *testing.T) {
	t.Parallel()
	var w wrongTokens
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	good, bad := [32]byte{1}, [32]byte{2}
	w.good(good)
	for range wrongPerMin {
		if !w.mayLook(bad, now) {
			t.Fatal("a token is not looked up before the limit")
		}
		w.add(bad, now)
	}
	if w.mayLook(bad, now.Add(59*time.Second)) || !w.mayLook(good, now.Add(59*time.Second)) {
		t.Error("after the limit a guess is looked up, or a good token is not")
	}
	w.add(good, now) // it was removed
	if w.mayLook(good, now.Add(59*time.Second)) {
		t.Error("a token that was removed counts as good")
	}
	if !w.mayLook(bad, now.Add(time.Minute)) {
		t.Error("a minute later nothing is looked up")
	}
}

func TestLargeAndManyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDoor(newWorld(t))
	if status, _ := d.post("Bearer good", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"`+strings.Repeat("x", maxBody)+`"}}}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large request: %d", status)
	}
	for _, body := range []string{"", "x", "[]", `{"jsonrpc":"2.0"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none"}}`} {
		if status, text := d.post("Bearer good", body); status >= 500 {
			t.Errorf("%q: %d %s", body, status, text)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut} {
		r, err := http.NewRequestWithContext(t.Context(), method, d.url, nil)
		d.must(err)
		res, err := (&http.Client{Transport: bearer("good")}).Do(r)
		d.must(err)
		if res.Body.Close(); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}

// slow are queries that wait until they are let go.
type slow struct {
	Queries
	began chan struct{}
	leave chan struct{}
}

func (q slow) Run(ctx context.Context, statement string) (viewsql.Result, error) {
	q.began <- struct{}{}
	<-q.leave
	return viewsql.Result{}, nil
}

func TestOnlySomeRequestsRunAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := slow{w.server.o.Queries, make(chan struct{}), make(chan struct{})}
	w.server.o.Queries = q
	d := newDoor(w)
	const query = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 1"}}}`
	var all sync.WaitGroup
	for range maxAtOnce {
		all.Go(func() {
			if status, body := d.post("Bearer good", query); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
		<-q.began
	}
	if status, _ := d.post("Bearer good", ping); status != http.StatusServiceUnavailable {
		t.Errorf("the request after %d: %d", maxAtOnce, status)
	}
	close(q.leave)
	all.Wait()
	if status, _ := d.post("Bearer good", ping); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// TestTheSameCallEightTimesAtOnceIsDoneOnce guards against an agent that asks again before it
// has an answer: the fingerprint is compared in the transaction that acts.
func TestTheSameCallEightTimesAtOnceIsDoneOnce(t *testing.T) {
	t.Parallel()
	for tool, more := range map[string]string{"reply": `,"text":"It is ready tomorrow."`, "redo": `,"instructions":"less red"`, "approve": ""} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.o.Wake = func(context.Context) {}
			w.review("ord_1", w.paint("a.png", 64))
			d := newDoor(w)
			d.set([]string{tool}, nil)
			call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"order":"ord_1","fingerprint":"` + w.connect().fingerprint("ord_1") + `"` + more + `}}}`
			var all sync.WaitGroup
			var done, refused atomic.Int32
			for range maxAtOnce {
				all.Go(func() {
					switch status, body := d.post("Bearer good", call); {
					case status != http.StatusOK:
						t.Errorf("%d %s", status, body)
					case strings.Contains(body, `\"done\":true`):
						done.Add(1)
					case strings.Contains(body, "othing was done"):
						refused.Add(1)
					default:
						t.Errorf("the answer is %s", body)
					}
				})
			}
			all.Wait()
			if texts := w.acted("ord_1"); done.Load() != 1 || refused.Load() != maxAtOnce-1 || len(texts) != 1 {
				t.Errorf("done %d times, refused %d times: %q", done.Load(), refused.Load(), texts)
			}
		})
	}
}
