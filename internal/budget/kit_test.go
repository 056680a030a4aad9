package budget_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/budget"
	"atelierd/internal/budget/shared"
	"atelierd/internal/engine"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
)

// This file is a daemon without its command line. It wires the real parts to a
// sandbox over pipes, because simulated time does not pass while a socket is read.

// painter is a generator that makes a picture of one pixel in a second.
type painter struct{}

var picture = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

func (painter) Check(context.Context) error { return nil }

func (painter) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	time.Sleep(time.Second)
	file := filepath.Join(r.OutputDir, "out.png")
	err := os.WriteFile(file, append(append([]byte{}, picture...), r.OrderID...), 0o600)
	return generate.Result{Files: []string{file}}, err
}

const title = "Pictures"

// world is a marketplace and the settings of a daemon that works for it.
type world struct {
	t         *testing.T
	dir       string
	market    *sandbox.Server
	transport *http.Transport
	creds     atelier.Credentials
	limits    budget.Limits
	interval  time.Duration
	hook      func(point string) error        // of the store; nil for none
	storage   fulfill.Storage                 // nil for the marketplace
	poller    *intake.Poller                  // of the daemon that was started last
	webhooks  bool                            // the poller hears at once what place places
	placed    map[string]string               // the agent of each order, of all who joined
	turn      *sync.Mutex                     // whose turn it is at the shared count
	shared    string                          // the folder of the shared count, or ""
	cell      *cell                           // the shared count in a bucket; nil for none
	wrap      func(budget.Share) budget.Share // wraps the shared count; nil for nothing
	silent    bool                            // its daemon does not show the others that it runs
}

// join returns another agent at the marketplace, on the same address.
func (w *world) join(dir, name string) *world {
	w.t.Helper()
	other := *w
	other.dir, other.poller = dir, nil
	id, key, err := w.market.AddAgent(name, "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	other.creds = atelier.Credentials{AgentID: id, Key: secret.New(key)}
	return &other
}

// newWorld must be called in a synctest bubble. dir is the data folder.
func newWorld(t *testing.T, dir string, o sandbox.Options) *world {
	t.Helper()
	w := &world{t: t, dir: dir, market: sandbox.New(o), limits: limits(), interval: 150 * time.Second, placed: map[string]string{}, turn: &sync.Mutex{}}
	listener := pipenet.New()
	server := &http.Server{Handler: w.market}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	w.transport = &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		serving.Wait()
	})
	id, key, err := w.market.AddAgent("tester", "", "")
	if err != nil {
		t.Fatal(err)
	}
	w.creds = atelier.Credentials{AgentID: id, Key: secret.New(key)}
	return w
}

// limits are the defaults of the configuration.
func limits() budget.Limits {
	return budget.Limits{Window: time.Hour, Reserve: 8, Ceilings: map[order.RequestKind]int{
		order.RequestPoll: 30, order.RequestDeliver: 30,
		order.RequestUpload: 30, order.RequestQuote: 30, order.RequestMessage: 60, order.RequestService: 20, order.RequestRegister: 5,
	}}
}

// daemon is the parts of the daemon between one start and its stop.
type daemon struct {
	store  *store.Store
	budget *budget.Budget
	client *atelier.Client
	stop   func() // called at the end of the test, if not before
}

// start opens the data folder and runs polling and work.
func (w *world) start() *daemon {
	w.t.Helper()
	d := w.open()
	f := fulfill.New(fulfill.Options{
		Store: d.store, Market: d.client, Budget: d.budget, Dir: w.dir, SettleWindow: 150 * time.Second,
		Services: map[string]fulfill.Service{title: {
			Title: title, Generators: []fulfill.Generator{{Name: "painter", Backend: painter{}}}, Storage: w.storage,
		}},
	})
	e := engine.New(engine.Options{Store: d.store, Runner: f})
	d.store.Notify(func(c store.Change) { e.Wake(c.Generate, c.Network, c.Revoked) })
	p := intake.New(intake.Options{
		Store: d.store, Market: d.client, Pacer: d.budget, Interval: w.interval, Log: slog.New(slog.DiscardHandler),
		Catalog: func(context.Context) (intake.Catalog, error) {
			return intake.Catalog{{Title: title, Turnaround: time.Hour, MaxRounds: 2}}, nil
		},
	})
	w.poller = p
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { e.Run(ctx) })
	loops.Go(func() { p.Run(ctx) })
	if (w.shared != "" || w.cell != nil) && !w.silent {
		loops.Go(func() { d.beat(ctx, w.creds.AgentID) })
	}
	closeFile := d.stop
	d.stop = sync.OnceFunc(func() {
		cancel()
		loops.Wait()
		closeFile()
	})
	w.t.Cleanup(d.stop)
	return d
}

// open opens the data folder for single requests. Nothing polls or works.
func (w *world) open() *daemon {
	w.t.Helper()
	st, err := store.Open(store.Options{Dir: w.dir, Hook: w.hook})
	if err != nil {
		w.t.Fatal(err)
	}
	limits := w.limits
	closeShared := func() error { return nil }
	switch {
	case w.shared != "":
		file := shared.New(shared.Options{Dir: w.shared, ID: w.creds.AgentID, Name: w.creds.AgentID})
		limits.Share, closeShared = serial{file, w.turn}, file.Close
	case w.cell != nil:
		limits.Share = serial{shared.NewBucket(shared.BucketOptions{
			Open: func() (shared.Cell, error) { return w.cell, nil }, ID: w.creds.AgentID, Name: w.creds.AgentID,
		}), w.turn}
	}
	if w.wrap != nil {
		limits.Share = w.wrap(limits.Share)
	}
	b, err := budget.Open(context.Background(), st, limits, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	base, blob := &url.URL{Scheme: "http", Host: "market.test", Path: "/api"}, &url.URL{Scheme: "http", Host: "market.test", Path: "/blob/"}
	c := atelier.New(atelier.Options{
		BaseURL: base, BlobURL: blob, Transport: w.transport, Meter: b,
		Credentials: func() atelier.Credentials { return w.creds },
	})
	d := &daemon{store: st, budget: b, client: c, stop: sync.OnceFunc(func() {
		if err := errors.Join(st.Close(), closeShared()); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})}
	w.t.Cleanup(d.stop)
	return d
}

// serial is a shared count that one agent uses at a time. SQLite waits for the lock of
// another by sleeping, and simulated time does not pass while somebody waits for a mutex.
type serial struct {
	budget.Share
	turn *sync.Mutex
}

func (s serial) Update(ctx context.Context, f func(*budget.Common) error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.Share.Update(ctx, f)
}

func (s serial) Read(ctx context.Context) (budget.Common, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.Share.Read(ctx)
}

// beat shows the other agents that the daemon runs until ctx ends.
func (d *daemon) beat(ctx context.Context, name string) {
	for ctx.Err() == nil {
		d.budget.Beat(ctx, budget.About{Name: name})
		select {
		case <-ctx.Done():
		case <-time.After(budget.BeatEvery):
		}
	}
}

// place places n orders at once.
func (w *world) place(n int) {
	w.t.Helper()
	for range n {
		id, err := w.market.PlaceOrder(sandbox.NewOrder{AgentID: w.creds.AgentID, ServiceTitle: title, Brief: "a fox", Price: "5.00"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.placed[id] = w.creds.AgentID
		if w.webhooks && w.poller != nil {
			w.poller.Event("order.paid", id)
		}
	}
}

// hour is what happened in one window of the marketplace.
type hour struct {
	began                              time.Time
	counted, polls, delivered, refused int
}

func (h hour) String() string {
	return fmt.Sprintf("%s: %d counted, %d polls, %d delivered, %d refused",
		h.began.Format(time.TimeOnly), h.counted, h.polls, h.delivered, h.refused)
}

// hours returns the windows of a shared count, read from the marketplace's log.
func (w *world) hours() (list []hour) {
	for _, r := range w.market.Requests() {
		if r.Call == sandbox.CallRead || r.Call == sandbox.CallBlob {
			continue
		}
		if len(list) == 0 || r.At.Sub(list[len(list)-1].began) >= time.Hour {
			list = append(list, hour{began: r.At})
		}
		h := &list[len(list)-1]
		switch {
		case r.Counted:
			h.counted++
		case r.Status == http.StatusTooManyRequests:
			h.refused++
		}
		if r.Call == sandbox.CallOrders && r.Counted {
			h.polls++
		}
		if r.Call == sandbox.CallDeliver && r.Status == http.StatusOK {
			h.delivered++
		}
	}
	return list
}
