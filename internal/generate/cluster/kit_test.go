package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/cluster"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/order"
	"atelierd/internal/worker"
)

// testLog returns a log that the test shows if it fails. A benchmark has none.
func testLog(t testing.TB) *slog.Logger {
	if _, ok := t.(*testing.B); ok {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// provider is a paid service with jobs, which all workers of a test use.
type provider struct {
	mu        sync.Mutex
	paid      map[string]int // by key
	cancelled int
	// sent, if not nil, is called when a call was paid for and its id is not known yet.
	sent func(ctx context.Context)
	// done, if not nil, is closed when jobs are done.
	done chan struct{}
	// runs gets a value when a job is polled first.
	runs chan string
}

func newProvider() *provider {
	return &provider{paid: map[string]int{}, runs: make(chan string, 100)}
}

func (p *provider) Check(context.Context) error { return nil }
func (p *provider) Cancels() bool               { return true }

func (p *provider) Cancel(context.Context, string) (order.CancelResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancelled++
	return order.CancelResult{CostKnown: true}, nil
}

func (p *provider) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	if req.Call.Ticket == "" {
		p.mu.Lock()
		p.paid[req.Call.Key]++
		sent := p.sent
		p.mu.Unlock()
		if sent != nil {
			if sent(ctx); ctx.Err() != nil {
				return generate.Result{}, generate.Stopped(ctx)
			}
		}
		if err := req.Call.Submitted("job-" + req.Call.Key); err != nil {
			return generate.Result{}, &order.Failure{Class: order.Retry, Code: order.CodeTicket, Charge: order.ChargeUnknown, Err: err}
		}
	}
	p.runs <- req.Call.Key
	select {
	case <-p.done:
	case <-ctx.Done():
		return generate.Result{}, generate.Stopped(ctx)
	}
	for _, ref := range req.References {
		if text, err := os.ReadFile(ref.Path); err != nil || string(text) != "a picture" || ref.MIME != "image/png" {
			return generate.Result{}, order.Failf(order.Hold, order.CodeReference, "the picture is %q: %v", text, err)
		}
	}
	path := filepath.Join(req.OutputDir, "a.txt")
	if err := os.WriteFile(path, []byte("made for "+req.Call.Key+" from "+req.Prompt), 0o600); err != nil {
		return generate.Result{}, err
	}
	return generate.Result{Files: []string{path}, Cost: order.Dollar / 4}, nil
}

// total returns how many calls were paid for.
func (p *provider) total() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, times := range p.paid {
		n += times
	}
	return n
}

// site is an agent, NATS and a provider.
type site struct {
	*testing.T
	url string
	q   *natsq.Queue
	p   *provider
	// backend, if not nil, is what workers make calls with in place of p.
	backend generate.Generator
	gen     *cluster.Generator
	// beat is how often workers show that they work.
	beat time.Duration
	// slots is how many calls a worker makes at the same time.
	slots int
}

func newSite(t *testing.T, change ...func(*cluster.Options)) *site {
	t.Helper()
	s := &site{T: t, p: newProvider(), beat: 300 * time.Millisecond, slots: 2}
	s.q, s.url = natstest.Ready(t, "video")
	o := cluster.Options{
		Open: func() (*natsq.Queue, error) { return s.q, nil }, Agent: func() string { return "a.b" }, Route: "video", Timeout: 5 * time.Minute,
		LostAfter: 10 * time.Minute, Log: testLog(t),
	}
	for _, set := range change {
		set(&o)
	}
	s.gen = generator(t, o)
	return s
}

func generator(t *testing.T, o cluster.Options) *cluster.Generator {
	t.Helper()
	g, err := cluster.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// running is a worker that can be killed.
type running struct {
	q    *natsq.Queue
	stop func()
}

// kill ends the worker so that it can say nothing any more, as a crash does.
func (r *running) kill() {
	r.q.Close()
	r.stop()
}

// worker runs a worker until it is stopped or the test ends.
func (s *site) worker(name, dir string) *running {
	s.Helper()
	r := &running{q: natstest.Open(s, s.url, name)}
	var backend generate.Generator = s.p
	if s.backend != nil {
		backend = s.backend
	}
	w, err := worker.Open(worker.Options{
		Queue: r.q, Name: name, Routes: []worker.Route{{Name: "video", Backend: backend, Slots: s.slots}}, Dir: dir, Log: testLog(s.T).With("worker", name),
		Beat: s.beat, Dead: 2 * time.Second, Drain: time.Millisecond,
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { w.Run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		runs.Wait()
		w.Close()
	})
	s.Cleanup(r.stop)
	return r
}

// request returns the request of a call, whose ticket goes to *ticket.
func (s *site) request(n int, ticket *string) generate.Request {
	req := gentest.Order(s, fmt.Sprintf("ord_%d", n))
	req.Prompt = "a boat"
	req.Call = generate.Call{Key: fmt.Sprintf("00000000-0000-5000-8000-%012d", n), Submitted: func(t string) error { *ticket = t; return nil }}
	return req
}

// picture returns a picture of the client.
func (s *site) picture() []generate.Reference {
	s.Helper()
	path := filepath.Join(s.TempDir(), "reference.png")
	if err := os.WriteFile(path, []byte("a picture"), 0o600); err != nil {
		s.Fatal(err)
	}
	return []generate.Reference{{Path: path, MIME: "image/png", URL: "https://client.example/reference.png"}}
}

// outcome is that of a call.
type outcome struct {
	made generate.Result
	err  error
}

// start makes a call in the background.
func (s *site) start(ctx context.Context, req generate.Request) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		made, err := s.gen.Generate(ctx, req)
		done <- outcome{made, err}
	}()
	return done
}

// want waits for the outcome, and expects the file of a call.
func (s *site) want(done <-chan outcome, req generate.Request) {
	s.Helper()
	got := within(s, done)
	if got.err != nil {
		s.Fatal(got.err)
	}
	text, err := os.ReadFile(got.made.Files[0])
	if err != nil || string(text) != "made for "+req.Call.Key+" from a boat" || got.made.Cost != order.Dollar/4 {
		s.Fatalf("got %q, %v, for %s", text, err, got.made.Cost)
	}
}

// fails expects a failure.
func (s *site) fails(err error, class order.Class, code order.Code, charge order.Charge) *order.Failure {
	s.Helper()
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != class || f.Code != code || f.Charge != charge {
		s.Fatalf("got %+v, %v; want %s %s, charge %q", f, err, class, code, charge)
	}
	return f
}

func (s *site) paid(want int) {
	s.Helper()
	if got := s.p.total(); got != want {
		s.Errorf("%d calls were paid for, want %d", got, want)
	}
}

// within waits for a value.
func within[T any](s *site, from <-chan T) T {
	s.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(2 * time.Minute):
		s.Fatal("nothing came")
		panic("unreachable")
	}
}
