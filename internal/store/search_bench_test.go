package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"atelierd/internal/order"
)

// BenchmarkPage reads pages of 50 orders next to a million that have ended.
func BenchmarkPage(b *testing.B) {
	dir := b.TempDir()
	makeHistory(b, dir)
	s := openNew(b, Options{Dir: dir})
	var open []order.Facts
	for i := range 1000 {
		open = append(open, facts(fmt.Sprintf("new_%08d", i), order.Paid))
	}
	apply(b, s, batch(open...))
	middle := fmt.Sprintf("old_%08d", million/2)
	for name, q := range map[string]OrderQuery{
		"open":                   {},
		"all":                    {State: "all"},
		"all from the middle":    {State: "all", OlderThan: middle},
		"completed":              {State: "completed"},
		"cancelled":              {State: "cancelled"},
		"in every text":          {State: "all", Text: "clients write"},
		"the same in the middle": {State: "all", Text: "clients write", OlderThan: middle},
		"in one text":            {State: "all", Text: "number 987654"},
		"in no text":             {State: "all", Text: "zebra crossing"},
		"in no order of a state": {State: "cancelled", Text: "clients write"},
		"end of an id":           {State: "all", Text: "987654"},
	} {
		b.Run(name, func(b *testing.B) {
			q.Most = 50
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := s.Page(b.Context(), q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.CountOrders(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
