package store

import (
	"fmt"
	"testing"
	"time"

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
	// poll runs one poll and adds up its processor time, which varies less than the
	// time on the clock while other programs run.
	poll := func(b *testing.B, used *time.Duration, s *Store, l order.Batch) order.Applied {
		b.Helper()
		before := cpu(b)
		sum := apply(b, s, l)
		*used += cpu(b) - before
		return sum
	}
	report := func(b *testing.B, used time.Duration) {
		b.Helper()
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/poll")
		b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/poll")
	}
	b.Run("new", func(b *testing.B) {
		var used time.Duration
		l := listing(n, "a")
		for b.Loop() {
			b.StopTimer()
			s := openNew(b, Options{})
			b.StartTimer()
			if sum := poll(b, &used, s, l); sum.New != n {
				b.Fatalf("%+v", sum)
			}
			b.StopTimer()
			s.Close()
			b.StartTimer()
		}
		report(b, used)
	})
	b.Run("unchanged", func(b *testing.B) {
		var used time.Duration
		l := listing(n, "a")
		s := openNew(b, Options{})
		apply(b, s, l)
		for b.Loop() {
			if sum := poll(b, &used, s, l); sum.Counts != (order.Counts{}) {
				b.Fatalf("%+v", sum)
			}
		}
		report(b, used)
	})
	b.Run("changed", func(b *testing.B) {
		var used time.Duration
		versions := []order.Batch{listing(n, "a"), listing(n, "b")}
		s := openNew(b, Options{})
		apply(b, s, versions[1])
		for i := 0; b.Loop(); i++ {
			if sum := poll(b, &used, s, versions[i%2]); sum.Changed != n {
				b.Fatalf("%+v", sum)
			}
		}
		report(b, used)
	})
}
