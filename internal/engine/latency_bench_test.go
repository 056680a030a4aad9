package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// runIdle runs an engine without work until the end of the benchmark.
func runIdle(b *testing.B, fn func(context.Context, order.Job) (order.Result, error)) *store.Store {
	b.Helper()
	s := openStore(b, b.TempDir())
	e := engine.New(engine.Options{Store: s, Runner: &stage{fn: fn}})
	s.Notify(func(c store.Change) { e.Wake(c.Generate, c.Network, c.Revoked) })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	b.Cleanup(func() {
		stop()
		<-ended
	})
	return s
}

// BenchmarkInsertToStart measures how long an idle engine takes to start a stage.
// p50-us and p99-us count from the moment the order is durable, which leaves a signal
// and the commit of the lease. whole-p50-us counts from before the order is written.
func BenchmarkInsertToStart(b *testing.B) {
	started := make(chan time.Time, 1)
	s := runIdle(b, func(context.Context, order.Job) (order.Result, error) {
		started <- time.Now()
		return order.Result{}, nil
	})
	var took, whole []time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		// End the last order, so that there is never more than one to compare.
		end(b, s, i-1)
		// The gaps vary, so that they do not coincide with a timer.
		time.Sleep(time.Millisecond + rand.N(8*time.Millisecond))
		begin := time.Now()
		b.StartTimer()
		fill(b, s, i, 1)
		durable, start := time.Now(), <-started
		took = append(took, max(0, start.Sub(durable)))
		whole = append(whole, start.Sub(begin))
	}
	at := func(times []time.Duration, q float64) float64 {
		slices.Sort(times)
		return float64(times[int(q*float64(len(times)-1))].Nanoseconds()) / 1000
	}
	b.ReportMetric(at(took, 0.50), "p50-us")
	b.ReportMetric(at(took, 0.99), "p99-us")
	b.ReportMetric(at(whole, 0.50), "whole-p50-us")
}

// end completes order number i, if there is one.
func end(b *testing.B, s *store.Store, i int) {
	b.Helper()
	if i < 0 {
		return
	}
	f := facts(i)
	f.Raw = []byte(`{"status":"completed"}`)
	if _, err := s.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{f}}, Mark: 1 << 60,
		Decide: func(order.Known, order.Facts) order.Decision {
			return order.Decision{State: order.StateCompleted, Jobs: order.JobsClose}
		},
	}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkIdleCPU measures the share of a core that an idle engine uses.
func BenchmarkIdleCPU(b *testing.B) {
	runIdle(b, func(context.Context, order.Job) (order.Result, error) { return order.Result{}, nil })
	var used time.Duration
	for b.Loop() {
		before := cpuTime(b)
		time.Sleep(time.Second)
		used += cpuTime(b) - before
	}
	b.ReportMetric(100*used.Seconds()/b.Elapsed().Seconds(), "cpu-%")
}
