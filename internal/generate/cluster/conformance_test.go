package cluster_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/canvas"
	"atelierd/internal/generate/cluster"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/worker"
)

func TestACallOverNATSIsAGenerator(t *testing.T) {
	t.Parallel()
	gentest.Kit{
		New: func(t *testing.T) (generate.Generator, func() int) {
			counts := &counted{Generator: painter(t)}
			return over(t, counts), func() int { return int(counts.runs.Load()) }
		},
		Hanging: func(t *testing.T) (generate.Generator, <-chan struct{}) {
			h := &hangs{begun: make(chan struct{})}
			return over(t, h), h.begun
		},
	}.Run(t)
}

func painter(t *testing.T) generate.Generator {
	t.Helper()
	g, err := canvas.New()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// over returns the generator whose calls a worker with the back end makes.
func over(t *testing.T, backend generate.Generator) generate.Generator {
	t.Helper()
	q, url := natstest.Ready(t, "paint")
	served(t, url, worker.Route{Name: "paint", Backend: backend, Slots: 2})
	present(t, q)
	g, err := cluster.New(cluster.Options{
		Open: func() (*natsq.Queue, error) { return q, nil }, Agent: func() string { return "agent" }, Route: "paint", Timeout: 5 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// present waits until a worker is shown.
func present(t *testing.T, q *natsq.Queue) {
	t.Helper()
	for {
		if _, any, err := q.Free(t.Context(), "paint"); err != nil {
			t.Fatal(err)
		} else if any {
			return
		}
	}
}

// served runs a worker until the test ends.
func served(t testing.TB, url string, r worker.Route) {
	t.Helper()
	w, err := worker.Open(worker.Options{
		Queue: natstest.Open(t, url, "w1"), Name: "w1", Routes: []worker.Route{r}, Dir: t.TempDir(), Log: testLog(t), Beat: 100 * time.Millisecond, Dead: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		w.Close()
	})
}

// counted counts the runs of a generator.
type counted struct {
	generate.Generator
	runs atomic.Int64
}

func (c *counted) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	c.runs.Add(1)
	return c.Generator.Generate(ctx, req)
}

// hangs never ends by itself.
type hangs struct {
	once  sync.Once
	begun chan struct{}
}

func (h *hangs) Check(context.Context) error { return nil }

func (h *hangs) Generate(ctx context.Context, _ generate.Request) (generate.Result, error) {
	h.once.Do(func() { close(h.begun) })
	<-ctx.Done()
	return generate.Result{}, generate.Stopped(ctx)
}
