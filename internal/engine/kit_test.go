package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// stage is a Runner that calls fn and logs what it ran.
type stage struct {
	mu  sync.Mutex
	ran []string
	at  []time.Time
	fn  func(ctx context.Context, j order.Job) (order.Result, error)
}

func (s *stage) Run(ctx context.Context, j order.Job) (order.Result, error) {
	s.mu.Lock()
	s.ran = append(s.ran, fmt.Sprintf("%s %s %d", j.OrderID, j.Stage, j.Attempt))
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	return s.fn(ctx, j)
}

func (s *stage) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ran)
}

// times returns when each stage began.
func (s *stage) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

// counted is the real store with a count of the engine's calls.
type counted struct {
	engine.Store
	calls atomic.Int64
}

func (c *counted) Turn(d *order.Done, l order.Lane, more bool, lease time.Duration) (order.Turn, error) {
	c.calls.Add(1)
	return c.Store.Turn(d, l, more, lease)
}

func (c *counted) Renew(jobs []order.Job, lease time.Duration) ([]order.Job, error) {
	c.calls.Add(1)
	return c.Store.Renew(jobs, lease)
}

func (c *counted) HasWork(now time.Time) (bool, error) {
	c.calls.Add(1)
	return c.Store.HasWork(now)
}

// world is a store and an engine that runs on it, in simulated time.
type world struct {
	*store.Store
	*engine.Engine
	t     *testing.T
	calls *counted
	stop  context.CancelFunc
	ended chan struct{}
}

// start opens the store of so and runs an engine on it with the stage fn.
func start(t *testing.T, so store.Options, eo engine.Options, fn func(context.Context, order.Job) (order.Result, error)) (*world, *stage) {
	t.Helper()
	if so.Dir == "" {
		so.Dir = storetest.Dir(t)
	}
	s, err := store.Open(so)
	if err != nil {
		t.Fatal(err)
	}
	run := &stage{fn: fn}
	w := &world{Store: s, t: t, calls: &counted{Store: s}, ended: make(chan struct{})}
	eo.Store, eo.Runner = w.calls, run
	if eo.Log == nil {
		eo.Log = slog.New(slog.DiscardHandler)
	}
	w.Engine = engine.New(eo)
	s.Notify(func(c store.Change) { w.Wake(c.Generate, c.Network, c.Revoked) })
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	go func() {
		defer close(w.ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		w.StopNow()
		<-w.ended
		s.Close()
	})
	synctest.Wait() // until the workers have looked for work and wait
	return w, run
}

// place writes paid orders to the store, as a poll does.
func (w *world) place(ids ...string) {
	w.t.Helper()
	b := order.Batch{Mark: 1 << 60, Decide: open}
	for i, id := range ids {
		b.Orders = append(b.Orders, order.Facts{
			ID: id, Status: order.Paid, Raw: fmt.Appendf(nil, `{"id":%q}`, id),
			CreatedAt: time.Date(2026, 11, 23, 15, i, 0, 0, time.UTC),
		})
	}
	if _, err := w.Apply(b); err != nil {
		w.t.Fatal(err)
	}
}

// cancel ends an order, as a poll that lists it as cancelled does.
func (w *world) cancel(id string) {
	w.t.Helper()
	b := order.Batch{Mark: 1 << 60, Decide: func(order.Known, order.Facts) order.Decision {
		return order.Decision{State: order.StateCancelled, Jobs: order.JobsClose, Reason: "cancelled by the client"}
	}}
	b.Orders = []order.Facts{{ID: id, Status: order.Cancelled, Raw: []byte(`{"status":"cancelled"}`), CreatedAt: time.Now()}}
	if _, err := w.Apply(b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) line(id string) store.Line {
	w.t.Helper()
	lines, err := w.Orders(context.Background(), "all", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range lines {
		if l.ID == id {
			return l
		}
	}
	w.t.Fatalf("order %s is not in the store", id)
	return store.Line{}
}

// attempts returns the order's attempts as number and outcome.
func (w *world) attempts(id string) []string {
	w.t.Helper()
	h, err := w.History(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, a := range h.Attempts {
		list = append(list, fmt.Sprintf("%d %s", a.Number, a.Outcome))
	}
	return list
}

func (w *world) wantAttempts(id string, want ...string) {
	w.t.Helper()
	if got := w.attempts(id); !slices.Equal(got, want) {
		w.t.Errorf("attempts %v, want %v", got, want)
	}
}

func (w *world) wantJob(id string, want order.JobState) {
	w.t.Helper()
	if l := w.line(id); l.Job != want {
		w.t.Errorf("the job of %s is %s (%s), want %s", id, l.Job, l.Reason, want)
	}
}

// result returns a stage that returns r and err at once.
func result(r order.Result, err error) func(context.Context, order.Job) (order.Result, error) {
	return func(context.Context, order.Job) (order.Result, error) { return r, err }
}

// until returns a stage that runs until its context is cancelled and sends the cause.
func until(started chan<- order.Job, causes chan<- error) func(context.Context, order.Job) (order.Result, error) {
	return func(ctx context.Context, j order.Job) (order.Result, error) {
		started <- j
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return order.Result{}, ctx.Err()
	}
}

// hour is a stage that takes an hour unless it is cut.
func hour(ctx context.Context, _ order.Job) (order.Result, error) {
	select {
	case <-time.After(time.Hour):
		return order.Result{}, nil
	case <-ctx.Done():
		return order.Result{}, ctx.Err()
	}
}

// logged is a log that can be read.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) count(text string) int { return strings.Count(l.String(), text) }
