package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// noop is a stage that does nothing, so that a benchmark measures the queue.
type noop struct {
	left atomic.Int64
	done chan struct{}
	once sync.Once
}

func (n *noop) Run(context.Context, order.Job) (order.Result, error) {
	if n.left.Add(-1) == 0 {
		n.once.Do(func() { close(n.done) })
	}
	return order.Result{}, nil
}

// fill writes n orders with a ready job each, as a poll does.
func fill(tb testing.TB, s *store.Store, from, n int) {
	tb.Helper()
	for from, end := from, from+n; from < end; from += 10_000 {
		var b order.Batch
		for i := from; i < min(from+10_000, end); i++ {
			b.Orders = append(b.Orders, facts(i))
		}
		b.Mark = 1 << 60
		b.Decide = open
		if _, err := s.Apply(b); err != nil {
			tb.Fatal(err)
		}
	}
}

func facts(i int) order.Facts {
	id := fmt.Sprintf("ord_%08d", i)
	return order.Facts{
		ID: id, Status: order.Paid, Brief: "a brief of about the length that clients write, with a wish or two",
		CreatedAt: time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC),
		Raw:       []byte(`{"id":"` + id + `","status":"paid","brief":"a brief of about the length that clients write, with a wish or two"}`),
	}
}

func open(k order.Known, f order.Facts) order.Decision {
	d := order.Decision{State: order.StateWorking, Service: "Images", DueAt: f.CreatedAt.Add(time.Hour)}
	if !k.Exists {
		d.Jobs = order.JobsOpen
	}
	return d
}

func openStore(tb testing.TB, dir string) *store.Store {
	tb.Helper()
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

const drainJobs = 10_000

// BenchmarkDrain runs 10,000 jobs of one empty stage, each with durable commits.
func BenchmarkDrain(b *testing.B) {
	for _, workers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s, err := store.Open(store.Options{Dir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				fill(b, s, 0, drainJobs)
				b.StartTimer()
				drain(b, s, workers)
				b.StopTimer()
				s.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(drainJobs)*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

func drain(b *testing.B, s *store.Store, workers int) {
	b.Helper()
	n := &noop{done: make(chan struct{})}
	n.left.Store(drainJobs)
	e := engine.New(engine.Options{Store: s, Runner: n, Generators: workers, Network: 1})
	s.Notify(func(c store.Change) { e.Wake(c.Generate, c.Network, c.Revoked) })
	if err := e.RunUntilIdle(b.Context()); err != nil {
		b.Fatal(err)
	}
	if left := n.left.Load(); left != 0 {
		b.Fatalf("%d jobs were not run", left)
	}
}
