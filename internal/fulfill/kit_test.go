package fulfill_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/budget"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/intake"
	"atelierd/internal/media"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// picture is a PNG of one pixel. Bytes after its end make each file different.
var picture = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

// painter makes files of one pixel each and records its requests.
type painter struct {
	files int
	asked []generate.Request
	err   error
	url   string
	kind  string
}

func (*painter) Check(context.Context) error { return nil }

func (p *painter) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	p.asked = append(p.asked, r)
	if p.err != nil {
		return generate.Result{}, p.err
	}
	made := generate.Result{URL: p.url, MediaType: p.kind, Cost: order.Dollar / 25, Message: "with love"}
	for i := range p.files {
		file := filepath.Join(r.OutputDir, fmt.Sprintf("out%d.png", i))
		body := fmt.Appendf(append([]byte{}, picture...), "%s %d %d %d %d", r.OrderID, r.Round, r.Piece, r.Attempt, i)
		if err := os.WriteFile(file, body, 0o600); err != nil {
			return generate.Result{}, err
		}
		made.Files = append(made.Files, file)
	}
	return made, nil
}

const title = "Pictures"

// interval is how long a sighting of an order counts.
const interval = 10 * time.Minute

// settle is longer than the timeout of a delivery.
const settle = 5 * time.Minute

type world struct {
	t       *testing.T
	dir     string
	net     *pipenet.Listener
	market  *sandbox.Server
	agent   string
	creds   atelier.Credentials
	painter *painter
	limits  budget.Limits
	kind    string // the media type that the service requires
	tries   int    // Options.MaxTries
	caps    order.Caps
	links   fulfill.Links
	makers  map[string]fulfill.Generator
	// service and offer change the one service as the stages and as intake see it, and
	// options what the stages get; nil changes nothing.
	service func(*fulfill.Service)
	options func(*fulfill.Options)
	offer   func(*intake.Service)

	store     *store.Store
	storeHook func(point string) error
	seen      *intake.Sightings
	// unseen: open makes a process whose first poll has not ended.
	unseen bool
	base   atelier.Options
	f      *fulfill.Fulfiller
}

// inWorld runs f in simulated time with an open data folder and a marketplace.
func inWorld(t *testing.T, o sandbox.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, dir: dir, market: sandbox.New(o), painter: &painter{files: 1}, kind: "image",
			net: pipenet.New(),
			limits: budget.Limits{Ceilings: map[order.RequestKind]int{
				order.RequestPoll: 30, order.RequestDeliver: 30,
				order.RequestUpload: 30, order.RequestMessage: 60,
			}},
		}
		server := &http.Server{Handler: w.market}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(w.net) })
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			serving.Wait()
		})
		id, key, err := w.market.AddAgent("tester", "", "")
		if err != nil {
			t.Fatal(err)
		}
		w.agent, w.creds = id, atelier.Credentials{AgentID: id, Key: secret.New(key)}
		w.open()
		t.Cleanup(func() { w.store.Close() })
		f(t, w)
	})
}

// open opens the data folder and makes the Fulfiller again, as a start does.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.store, err = store.Open(store.Options{Dir: w.dir, Hook: func(point string) error {
		if w.storeHook == nil {
			return nil
		}
		return w.storeHook(point)
	}}); err != nil {
		w.t.Fatal(err)
	}
	b, err := budget.Open(w.t.Context(), w.store, w.limits, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.base = atelier.Options{
		BaseURL:     &url.URL{Scheme: "http", Host: "market.test", Path: "/api"},
		BlobURL:     &url.URL{Scheme: "http", Host: "market.test", Path: "/blob/"},
		Credentials: func() atelier.Credentials { return w.creds }, Meter: b,
		Transport: &http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true},
	}
	s := fulfill.Service{
		Title: title, Category: "image_gen", Deliverables: []string{"a picture"},
		Requirements: fulfill.Requirements{Rules: media.Rules{Kind: w.kind}}, Generators: []fulfill.Generator{{Name: "painter", Backend: w.painter}},
	}
	if w.service != nil {
		w.service(&s)
	}
	w.seen = intake.NewSightings(interval)
	if !w.unseen {
		w.seen.Polled(nil)
	}
	o := fulfill.Options{
		Sightings: w.seen, Agent: w.agent,
		Store: w.store, Market: atelier.New(w.base), Budget: b, Dir: w.dir, SettleWindow: settle,
		MaxTries: w.tries, Caps: w.caps, Links: w.links, Generators: w.makers, Services: map[string]fulfill.Service{title: s},
	}
	if w.options != nil {
		w.options(&o)
	}
	w.f = fulfill.New(o)
}

// restart is a crash and the start after it: leases are lost, files stay.
func (w *world) restart() {
	w.t.Helper()
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// order places a paid order and polls.
func (w *world) order(changes ...func(*sandbox.NewOrder)) string {
	w.t.Helper()
	n := sandbox.NewOrder{ServiceTitle: title, Brief: "a fox", Price: "5.00"}
	for _, change := range changes {
		change(&n)
	}
	id, err := w.market.PlaceOrder(n)
	if err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	return id
}

var catalog = intake.Catalog{{Title: title, Turnaround: time.Hour, MaxRounds: 2}}

func (w *world) poll() {
	w.t.Helper()
	o := w.base
	o.Meter = nil
	mark, err := w.store.Mark(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	listing, err := atelier.New(o).Orders(w.t.Context(), order.AllStatuses())
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(order.Batch{Listing: listing, Mark: mark, Complete: true})
}

func (w *world) apply(b order.Batch) {
	w.t.Helper()
	own := slices.Clone(catalog)
	if w.offer != nil {
		w.offer(&own[0])
	}
	b.Decide, b.Vanished = own.Decide, own.Vanished
	if _, err := w.store.Apply(b); err != nil {
		w.t.Fatal(err)
	}
	w.seen.Listed(b.Orders, time.Now())
}

func (w *world) lease(s order.Stage) order.Job {
	w.t.Helper()
	turn, err := w.store.Turn(nil, s.Lane(), true, time.Hour)
	if err != nil || turn.Job == nil || turn.Job.Stage != s {
		w.t.Fatalf("no job for %s: %+v, %v", s, turn.Job, err)
	}
	return *turn.Job
}

// run runs the stage of the one job that is due and commits the outcome. A job
// that is tried again is due at once, but one that waits for its window when it says.
func (w *world) run(s order.Stage) (order.Result, *order.Failure) {
	w.t.Helper()
	j := w.lease(s)
	r, err := w.f.Run(w.t.Context(), j)
	f := order.Classify(w.t.Context(), err)
	done := order.Done{Job: j, Result: r, Failure: f}
	if f != nil && f.Code == order.CodeWindow {
		done.RunAt = time.Now().Add(f.After)
	}
	if _, err := w.store.Turn(&done, s.Lane(), false, 0); err != nil {
		w.t.Fatal(err)
	}
	return r, f
}

func (w *world) must(s order.Stage) order.Result {
	w.t.Helper()
	r, f := w.run(s)
	if f != nil {
		w.t.Fatalf("%s: %s %s: %v", s, f.Class, f.Code, f)
	}
	return r
}

// fails runs the stage, which must fail with the class and code.
func (w *world) fails(s order.Stage, class order.Class, code order.Code) *order.Failure {
	w.t.Helper()
	r, f := w.run(s)
	if f == nil || f.Class != class || f.Code != code {
		w.t.Fatalf("%s: %+v, %v; want %s %s", s, r, f, class, code)
	}
	if f.Class == order.Hold && strings.Contains(f.Hint, "orders ") && !strings.Contains(f.Hint, " ord_") {
		w.t.Errorf("the hint names no order: %s", f.Hint)
	}
	return f
}

// uploaded returns an order whose files are uploaded, ready for its deliver stage.
func (w *world) uploaded() string {
	w.t.Helper()
	id := w.order()
	w.must(order.StageGenerate)
	w.must(order.StageUpload)
	return id
}

// sent returns the requests of a kind that the marketplace saw.
func (w *world) sent(c sandbox.Call) (list []sandbox.Request) {
	for _, r := range w.market.Requests() {
		if r.Call == c {
			list = append(list, r)
		}
	}
	return list
}

// delivered returns how often the order was delivered.
func (w *world) delivered(id string) int {
	o, _ := w.market.Order(id)
	return len(o.Deliveries)
}

// scripted makes the first requests to a path with the suffix fail, one for each
// fault.
func (w *world) scripted(suffix string, faults ...sandbox.Fault) {
	n := 0
	w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return sandbox.Fault{}
		}
		if n++; n > len(faults) {
			return sandbox.Fault{}
		}
		return faults[n-1]
	}})
}

// spent returns the cost of the attempts at the order.
func (w *world) spent(id string) (sum order.USD) {
	w.t.Helper()
	history, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range history.Attempts {
		sum += a.Cost
	}
	return sum
}

// retry, redo and cancel are the owner's commands.
func (w *world) retry(id string) {
	w.asOwner(func(o store.Owner) error { return o.Retry(w.t.Context(), id) })
}

func (w *world) redo(id string, piece int) {
	w.asOwner(func(o store.Owner) error {
		return o.Redo(w.t.Context(), id, order.Redo{Piece: piece}, func(kind order.Kind, round int) error { return fulfill.ClearWork(w.dir, id, kind, round) })
	})
}

func (w *world) cancel(id string) {
	w.asOwner(func(o store.Owner) error { return o.Cancel(w.t.Context(), id, "on second thoughts") })
}

func (w *world) asOwner(act func(store.Owner) error) {
	w.t.Helper()
	o, err := store.OpenOwner(w.dir, "cli:test")
	if err != nil {
		w.t.Fatal(err)
	}
	defer o.Close()
	if err := act(o); err != nil {
		w.t.Fatal(err)
	}
}

// shelf serves what clients link to.
type shelf struct {
	has  map[string]string
	slow time.Duration

	mu    sync.Mutex
	asked []string
}

func (s *shelf) Fetch(ctx context.Context, link string, to io.Writer) (int64, error) {
	s.mu.Lock()
	s.asked = append(s.asked, link)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(s.slow):
	}
	content, ok := s.has[link]
	if !ok {
		return 0, fmt.Errorf("%q: the server answered 404", link)
	}
	n, err := io.WriteString(to, content)
	return int64(n), err
}
