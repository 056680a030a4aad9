package enroll_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"atelierd/internal/atelier"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
)

// pipes is a listener without sockets, since those would keep the simulated
// time from passing.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	refuse bool
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.refuse {
		return nil, errors.New("connection refused")
	}
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a marketplace, a data folder and a client.
type world struct {
	t      *testing.T
	dir    string
	net    *pipes
	market *sandbox.Server
	client *atelier.Client
	creds  atelier.Credentials
	store  *store.Store
	log    *slog.Logger
	text   *bytes.Buffer // what was logged; read it when nothing is running
}

// inWorld runs f in simulated time. The marketplace has no agent yet.
func inWorld(t *testing.T, o sandbox.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir, market: sandbox.New(o), text: &bytes.Buffer{},
			net: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}}
		w.log = slog.New(slog.NewTextHandler(w.text, nil))
		server := &http.Server{Handler: w.market}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(w.net) })
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			serving.Wait()
		})
		w.client = atelier.New(atelier.Options{BaseURL: &url.URL{Scheme: "http", Host: "market.test", Path: "/api"},
			Transport:   &http.Transport{DialContext: w.net.dial, DisableKeepAlives: true},
			Credentials: func() atelier.Credentials { return w.creds }})
		var err error
		if w.store, err = store.Open(store.Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.store.Close() })
		f(t, w)
	})
}

// enrol gives the marketplace an agent, whose key the client then has.
func (w *world) enrol() {
	w.t.Helper()
	id, key, err := w.market.AddAgent("tester", "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.creds = atelier.Credentials{AgentID: id, Key: secret.New(key)}
}

// sent counts the requests that were sent with the method to a path that ends so.
func (w *world) sent(method, suffix string) (n int) {
	for _, r := range w.market.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// scripted makes the first requests of the method and path go wrong, in turn.
func (w *world) scripted(method, suffix string, faults ...sandbox.Fault) {
	n := 0
	w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return sandbox.Fault{}
		}
		if n++; n > len(faults) {
			return sandbox.Fault{}
		}
		return faults[n-1]
	}})
}
