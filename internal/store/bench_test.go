package store

import (
	"fmt"
	"testing"

	"atelierd/internal/order"
)

// listing is a poll's answer with n orders whose content is that of version.
func listing(n int, version string) order.Batch {
	list := make([]order.Facts, n)
	for i := range list {
		id := fmt.Sprintf("ord_%08d", i)
		list[i] = facts(id, order.Paid)
		list[i].Raw = fmt.Appendf(nil, `{"id":%q,"status":"paid","version":%q,"brief":"a brief of about the length that clients write, with a wish or two"}`, id, version)
	}
	b := batch(list...)
	b.Complete = true
	return b
}

// BenchmarkPollUpsert writes a poll of 10,000 orders: each of them new, with
// its job; none changed; each changed.
func BenchmarkPollUpsert(b *testing.B) {
	const n = 10_000
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/poll")
	}
	b.Run("new", func(b *testing.B) {
		l := listing(n, "a")
		for b.Loop() {
			b.StopTimer()
			s := openNew(b, Options{})
			b.StartTimer()
			if sum := apply(b, s, l); sum.New != n {
				b.Fatalf("%+v", sum)
			}
			b.StopTimer()
			s.Close()
			b.StartTimer()
		}
		report(b)
	})
	b.Run("unchanged", func(b *testing.B) {
		l := listing(n, "a")
		s := openNew(b, Options{})
		apply(b, s, l)
		for b.Loop() {
			if sum := apply(b, s, l); sum.Counts != (order.Counts{}) {
				b.Fatalf("%+v", sum)
			}
		}
		report(b)
	})
	b.Run("changed", func(b *testing.B) {
		versions := []order.Batch{listing(n, "a"), listing(n, "b")}
		s := openNew(b, Options{})
		apply(b, s, versions[1])
		for i := 0; b.Loop(); i++ {
			if sum := apply(b, s, versions[i%2]); sum.Changed != n {
				b.Fatalf("%+v", sum)
			}
		}
		report(b)
	})
}
