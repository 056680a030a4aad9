package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/ledger"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// restore is a way to put an old copy of a data folder back.
type restore struct {
	guide bool
	slow  time.Duration // of each listing after it
	reads time.Duration // of each read of an order or a thread after it
	noCap bool          // on the spending of a day
	// put makes the folder that the daemon runs on, out of the old copy and the newest
	// folder.
	put func(t *testing.T, to, old, newest string)
}

var restores = map[string]restore{
	"whole folder":                        {put: wholeFolder},
	"whole folder at a guide marketplace": {put: wholeFolder, guide: true},
	"slow polls":                          {put: wholeFolder, slow: 20 * time.Second},
	"new host":                            {put: newHost},
	"database alone":                      {put: databaseAlone},
	"database beside newer files":         {put: databaseBesideNewer},
	"slow reads and no cap on a day":      {put: wholeFolder, noCap: true, reads: 30 * time.Second},
}

func wholeFolder(t *testing.T, to, old, _ string) { copyFolder(t, to, old) }

// newHost lacks the files that were made.
func newHost(t *testing.T, to, old, _ string) {
	for _, name := range []string{store.FileName, ledger.MarkName, credentialsFile} {
		copyFile(t, filepath.Join(to, name), filepath.Join(old, name))
	}
}

func databaseAlone(t *testing.T, to, old, _ string) {
	for _, name := range []string{store.FileName, credentialsFile} {
		copyFile(t, filepath.Join(to, name), filepath.Join(old, name))
	}
}

func databaseBesideNewer(t *testing.T, to, old, newest string) {
	copyFolder(t, to, newest)
	copyFile(t, filepath.Join(to, store.FileName), filepath.Join(old, store.FileName))
}

func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := copyTree(to, from); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestARestoredFolderDoesNothingTwice puts an old copy of the data folder back in each
// way, with 15 orders in every state. Nothing is made, delivered or said again.
func TestARestoredFolderDoesNothingTwice(t *testing.T) {
	t.Parallel()
	for name, way := range restores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dirs := [4]string{storetest.Dir(t), t.TempDir(), t.TempDir(), t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, way)
				d.runOn(dirs[0], func() { d.begin() })
				copyFolder(t, dirs[1], dirs[0])
				d.runOn(dirs[0], func() { d.afterCopy() })
				copyFolder(t, dirs[2], dirs[0])
				before := d.done()
				way.put(t, dirs[3], dirs[1], dirs[2])
				d.slow, d.reads = way.slow, way.reads
				d.runOn(dirs[3], func() { time.Sleep(2 * time.Hour) })
				d.same(before)
				d.seesRestore(dirs[3])
				d.runOn(dirs[3], func() { d.accepts(dirs[3]) })
				d.once()
			})
		})
	}
}

// drill is one daemon at one marketplace, on one folder after the other.
type drill struct {
	t      *testing.T
	market *sandbox.Server
	next   http.RoundTripper
	slow   time.Duration
	reads  time.Duration
	// delivery is how long the marketplace takes to accept a delivery.
	delivery time.Duration
	cfg      *config.Config
	guide    bool
	down     bool              // the marketplace cannot be reached
	broken   []string          // ids of orders whose reads are answered with 500
	dir      string            // that the daemon runs on
	wake     func()            // wakes it
	log      slog.Handler      // of the daemon; nil for none
	orders   map[string]string // ids by name

	mu   sync.Mutex
	made map[string]int // by order, round and piece
}

func newDrill(t *testing.T, way restore) *drill {
	w := newWorld(t, 5, "")
	d := &drill{t: t, guide: way.guide, cfg: w.cfg, orders: map[string]string{}, made: map[string]int{}}
	d.market = sandbox.New(sandbox.Options{
		Guide: way.guide, Subscription: simWindow,
		Limits: sandbox.Limits{Orders: 300, Deliver: 300, Upload: 300, Messages: 600, Services: 200, Register: 50, Quote: 300},
	})
	listener := pipenet.New()
	server := &http.Server{Handler: d.market, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		serving.Wait()
	})
	d.next = &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true}
	d.cfg.Agent.Name, d.cfg.Webhook, d.cfg.Bounties = "Drill", config.Webhook{}, config.Bounties{Interval: time.Hour}
	d.cfg.Poll.Interval, d.cfg.Messages.Interval, d.cfg.Messages.WindowInterval = 5*time.Minute, 10*time.Minute, 5*time.Minute
	d.cfg.Budget = config.Budget{Window: time.Hour, Poll: 300, Deliver: 300, Upload: 300, Messages: 600, Services: 200, Register: 50, Reserve: 8}
	if d.cfg.Spending.Day = 100 * order.Dollar; way.noCap {
		d.cfg.Spending.Day = 0
	}
	return d
}

// RoundTrip makes listings and reads slow.
func (d *drill) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.down {
		return nil, errors.New("no route to host")
	}
	if r.Method == http.MethodGet && slices.ContainsFunc(d.broken, func(id string) bool { return strings.Contains(r.URL.Path, "/orders/"+id) }) {
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	if d.slow > 0 && strings.HasSuffix(r.URL.Path, "/orders") {
		time.Sleep(d.slow)
	}
	if d.reads > 0 && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/orders/") {
		time.Sleep(d.reads)
	}
	if d.delivery > 0 && strings.HasSuffix(r.URL.Path, "/deliver") {
		time.Sleep(d.delivery)
	}
	return d.next.RoundTrip(r)
}

// Generate is the generator, which costs money and takes time.
func (d *drill) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	minutes := 1
	if strings.HasPrefix(cmp.Or(r.Ask, r.Brief), "slow") {
		minutes = 40
	}
	select {
	case <-ctx.Done():
		return generate.Result{}, order.Failf(order.Stopped, order.CodeStopped, "stopped")
	case <-time.After(time.Duration(minutes) * time.Minute):
	}
	if refuses(r.Brief) {
		return generate.Result{}, order.Failf(order.Fail, order.CodeRefused, "the generator refuses")
	}
	what := fmt.Sprintf("%s round %d piece %d", r.OrderID, r.Round, r.Piece)
	d.mu.Lock()
	d.made[what]++
	n := d.made[what]
	d.mu.Unlock()
	file := filepath.Join(r.OutputDir, "out.png")
	if err := os.WriteFile(file, fmt.Appendf(append([]byte{}, picture...), "%s %d", what, n), 0o600); err != nil {
		return generate.Result{}, err
	}
	return generate.Result{Files: []string{file}, Cost: order.Dollar / 25}, nil
}

func (d *drill) Check(context.Context) error { return nil }

// hands is what a daemon reaches: its generator and the marketplace.
type hands interface {
	generate.Generator
	http.RoundTripper
}

// open opens the program on a folder.
func (d *drill) open(dir string) *App { return d.openWith(dir, d) }

func (d *drill) openWith(dir string, h hands) *App {
	cfg := *d.cfg
	d.dir = dir
	cfg.DataDir, cfg.Dir = dir, dir
	logTo := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		logTo = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if d.log != nil {
		logTo = slog.New(d.log)
	}
	maker := fulfill.Generator{Name: "painter", Backend: h, Price: order.Dollar / 25}
	a, err := Open(context.Background(), Options{
		Config: &cfg, Log: logTo, Transport: h, Getenv: func(string) string { return "" },
		Listen:     func(string, string) (net.Listener, error) { return pipenet.New(), nil },
		Reserve:    1 << 10, // the folder is in memory
		Generators: map[string]fulfill.Generator{"painter": maker, "brush": maker, "provider": maker},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// start starts a daemon and returns what stops it.
func (d *drill) start(a *App) (stop func()) {
	d.wake = a.Wake
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			d.t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
		a.loops.Wait()
		if err := a.Close(); err != nil {
			d.t.Error(err)
		}
	}
}

// runOn runs the daemon on a folder while the clients do what they do.
func (d *drill) runOn(dir string, clients func()) {
	stop := d.start(d.open(dir))
	time.Sleep(20 * time.Minute) // services are listed, work is done
	clients()
	stop()
}
