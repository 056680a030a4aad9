package atelier

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// heapPeak watches the live heap until stop, which returns the growth of its peak in
// bytes.
func heapPeak() (stop func() uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	first, peak := m.HeapAlloc, m.HeapAlloc
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			case <-done:
				return
			}
		}
	})
	return func() uint64 {
		close(done)
		wg.Wait()
		return peak - first
	}
}

func BenchmarkUpload50MB(b *testing.B) {
	s, _ := discard(b)
	c, _ := client(b, s.URL)
	f := tempFile(b, 50<<20, "video/mp4")
	b.SetBytes(f.Size)
	b.ReportAllocs()
	stop := heapPeak()
	for b.Loop() {
		if _, err := c.Upload(b.Context(), "ord_1", f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(stop()), "peak-heap-B")
}

func BenchmarkDecode10000Orders(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"success":true,"data":[`)
	for i := range 10_000 {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(strings.Replace(guideOrder, "ord_1708123456789_abc", fmt.Sprintf("ord_%d", i), 1))
	}
	body.WriteString(`]}`)
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		listing, err := readAll(strings.NewReader(body.String()), ordersLimit)
		if err != nil || len(listing.Orders) != 10_000 {
			b.Fatalf("%d orders, %v", len(listing.Orders), err)
		}
	}
}
