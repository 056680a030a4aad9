package cluster_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/cluster"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/worker"
)

// instant makes nothing, so that only what is around a call takes time.
type instant struct{}

func (instant) Check(context.Context) error { return nil }

func (instant) Generate(context.Context, generate.Request) (generate.Result, error) {
	return generate.Result{Message: "nothing"}, nil
}

// BenchmarkCall shows what handing a call out costs, next to the same call in the process.
func BenchmarkCall(b *testing.B) {
	b.Run("in the process", func(b *testing.B) { calls(b, instant{}) })
	b.Run("over NATS", func(b *testing.B) {
		_, url := natstest.Start(b)
		q := natstest.Open(b, url, "agent")
		if err := q.Setup(b.Context(), natsq.SetupOptions{Routes: []string{"paint"}}); err != nil {
			b.Fatal(err)
		}
		served(b, url, worker.Route{Name: "paint", Backend: instant{}, Slots: 1})
		g, err := cluster.New(cluster.Options{
			Open: func() (*natsq.Queue, error) { return q, nil }, Agent: func() string { return "agent" }, Route: "paint", Timeout: 5 * time.Minute,
		})
		if err != nil {
			b.Fatal(err)
		}
		calls(b, g)
	})
}

// calls makes calls one after the other and reports how long half of them took at most, and
// 95 of 100.
func calls(b *testing.B, g generate.Generator) {
	b.Helper()
	req := gentest.Order(b, "ord_bench")
	took := make([]time.Duration, 0, 1000)
	for b.Loop() {
		began := time.Now()
		if _, err := g.Generate(b.Context(), req); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us/op")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-us/op")
}
