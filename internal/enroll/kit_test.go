package enroll_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"atelierd/internal/atelier"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// world is a marketplace, a data folder and a client.
type world struct {
	t      *testing.T
	dir    string
	net    *pipenet.Listener
	market *sandbox.Server
	client *atelier.Client
	creds  atelier.Credentials
	store  *store.Store
	log    *slog.Logger
	text   *bytes.Buffer // the log; read it only while nothing is running
}

// inWorld runs f in simulated time. The marketplace has no agent yet.
func inWorld(t *testing.T, o sandbox.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, dir: dir, market: sandbox.New(o), text: &bytes.Buffer{},
			net: pipenet.New(),
		}
		w.log = slog.New(slog.NewTextHandler(w.text, nil))
		server := &http.Server{Handler: w.market}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(w.net) })
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			serving.Wait()
		})
		w.client = w.newClient(&http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true})
		var err error
		if w.store, err = store.Open(store.Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.store.Close() })
		f(t, w)
	})
}

// newClient returns a client of the agent with the transport.
func (w *world) newClient(t http.RoundTripper) *atelier.Client {
	return atelier.New(atelier.Options{
		BaseURL: &url.URL{Scheme: "http", Host: "market.test", Path: "/api"}, Transport: t,
		Credentials: func() atelier.Credentials { return w.creds },
	})
}

// addAgent adds an agent to the marketplace and gives its key to the client.
func (w *world) addAgent() {
	w.t.Helper()
	id, key, err := w.market.AddAgent("tester", "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.creds = atelier.Credentials{AgentID: id, Key: secret.New(key)}
}

// sent returns the number of requests with the method to a path with the suffix.
func (w *world) sent(method, suffix string) (n int) {
	for _, r := range w.market.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// scripted applies the faults, in turn, to the first requests with the method to a
// path with the suffix.
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
