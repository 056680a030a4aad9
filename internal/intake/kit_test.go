package intake_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/budget"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// note is a log that a test can read while it is written.
type note struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *note) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *note) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return bytes.Count(n.b.Bytes(), []byte(what))
}

type world struct {
	t      *testing.T
	market *sandbox.Server
	agent  string
	store  *store.Store
	poller *intake.Poller
	seen   *intake.Sightings
	client *atelier.Client
	log    *note
	pacer  intake.Pacer
	// noRoom: what the marketplace shows of orders cannot be stored.
	noRoom atomic.Bool
	tried  atomic.Int32 // to store it nevertheless
	// proxy, if not nil, answers instead of the marketplace when it returns true.
	proxy func(rw http.ResponseWriter) bool

	mu      sync.Mutex
	key     string
	changed bool   // what KeyChanged returns next
	asked   int    // calls of KeyChanged
	refused []bool // arguments of KeyRefused
}

const interval = 150 * time.Second

// inWorld runs f in simulated time, with a poller that is not running yet.
func inWorld(t *testing.T, o sandbox.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, market: sandbox.New(o), log: &note{}}
		listener := pipenet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if w.proxy == nil || !w.proxy(rw) {
				w.market.ServeHTTP(rw, r)
			}
		})}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(listener) })
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			serving.Wait()
		})
		var err error
		if w.agent, w.key, err = w.market.AddAgent("tester", "", ""); err != nil {
			t.Fatal(err)
		}
		if w.store, err = store.Open(store.Options{Dir: dir, Hook: w.full}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.store.Close() })
		b, err := budget.Open(t.Context(), w.store, budget.Limits{Ceilings: map[order.RequestKind]int{order.RequestPoll: 30}, Reserve: 4},
			slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		client := atelier.New(atelier.Options{
			BaseURL: &url.URL{Scheme: "http", Host: "market.test", Path: "/api"}, Meter: b,
			Transport: &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true},
			Credentials: func() atelier.Credentials {
				w.mu.Lock()
				defer w.mu.Unlock()
				return atelier.Credentials{AgentID: w.agent, Key: secret.New(w.key)}
			},
		})
		w.client = client
		w.pacer = b
		w.restart(shop)
		f(t, w)
	})
}

// restart replaces the poller by one that knows the services of the catalog, as a
// restart with another configuration does.
func (w *world) restart(catalog intake.Catalog) {
	w.seen = intake.NewSightings(interval)
	w.poller = intake.New(intake.Options{
		Sightings: w.seen,
		Store:     w.store, Market: w.client, Pacer: w.pacer, Interval: interval,
		Log:        slog.New(slog.NewTextHandler(w.log, nil)),
		Catalog:    func(context.Context) (intake.Catalog, error) { return catalog, nil },
		KeyChanged: w.keyChanged,
		KeyRefused: func(refused bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused = append(w.refused, refused)
		},
	})
}

// full is the hook of the store.
func (w *world) full(point string) error {
	if w.noRoom.Load() && point == "before:intake" {
		w.tried.Add(1)
		return errors.New("the disk is full")
	}
	return nil
}

// keyChanged is the poller's KeyChanged.
func (w *world) keyChanged() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	changed := w.changed
	w.changed = false
	return changed
}

// start polls until the test is over.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.poller.Run(ctx); err != nil {
			w.t.Errorf("the poller ended with %v", err)
		}
	})
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func (w *world) poll() {
	w.t.Helper()
	if err := w.poller.Poll(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// place places an order after change, which may be nil, has modified it.
func (w *world) place(change func(*sandbox.NewOrder)) string {
	w.t.Helper()
	n := sandbox.NewOrder{ServiceTitle: "Pictures", Brief: "a fox", Price: "5.00"}
	if change != nil {
		change(&n)
	}
	id, err := w.market.PlaceOrder(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// state is the order in the store, or the zero value if it is not there.
func (w *world) state(id string) order.Order {
	o, err := w.store.Order(w.t.Context(), id)
	if err != nil {
		return order.Order{}
	}
	return o
}

// attention is what the owner is shown.
func (w *world) attention() (list []store.Attention) {
	w.t.Helper()
	st, err := w.store.Status(w.t.Context(), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Attention
}
