package atelier

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/order"
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

// The marketplace speaks HTTP/2, whose streams have buffers of their own. The heap is
// that of the client and of the server.
func BenchmarkThreeUploadsOf50MBAtOnce(b *testing.B) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); r.ProtoMajor != 2 || n < 50<<20 || err != nil {
			b.Errorf("%s: %d bytes, %v", r.Proto, n, err)
		}
		answer(200, `{"success":true,"data":{"url":"https://cdn.example/1.mp4","media_type":"video"}}`)(w, r)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	b.Cleanup(s.Close)
	c, _ := client(b, s.URL, func(o *Options) { o.Transport = s.Client().Transport })
	f := tempFile(b, 50<<20, "video/mp4")
	b.SetBytes(3 * f.Size)
	b.ReportAllocs()
	stop := heapPeak()
	for b.Loop() {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := c.Upload(b.Context(), "ord_1", f); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
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

// piece is a text that is repeated.
type piece struct {
	text  string
	times int
}

// rows is a listing of n rows that is written while it is read.
type rows struct {
	n, next int
	row     func(i int) []piece
	rest    []piece
	at      int // in the text of rest[0]
}

func (r *rows) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		switch {
		case r.next > r.n:
			return 0, io.EOF
		case r.next == r.n:
			r.rest = []piece{{"]}", 1}}
		case r.next == 0:
			r.rest = append([]piece{{`{"success":true,"data":[`, 1}}, r.row(0)...)
		default:
			r.rest = append([]piece{{",", 1}}, r.row(r.next)...)
		}
		r.next++
	}
	first := &r.rest[0]
	n := copy(p, first.text[r.at:])
	if r.at += n; r.at == len(first.text) {
		r.at = 0
		if first.times--; first.times == 0 {
			r.rest = r.rest[1:]
		}
	}
	return n, nil
}

// BenchmarkHostileListing reads listings that a marketplace should not send. peak-heap-B
// is what the reading holds in memory at most.
func BenchmarkHostileListing(b *testing.B) {
	letters, blanks := piece{strings.Repeat("x", 1<<16), 60 << 4}, piece{strings.Repeat(" ", 1<<16), 64 << 4}
	for name, c := range map[string]struct {
		n   int
		row func(int) []piece
	}{
		"one order of 60 MB": {1, func(int) []piece {
			return []piece{{`{"id":"a","status":"paid","brief":"`, 1}, letters, {`"}`, 1}}
		}},
		"64 MB of blanks": {1, func(int) []piece { return []piece{blanks, {guideOrder, 1}} }},
		"64 MB of blanks in a row": {1, func(int) []piece {
			return []piece{{`{"id":"a","status":"paid","x":[`, 1}, blanks, {"]}", 1}}
		}},
		"50,000 orders": {50_000, func(i int) []piece {
			return []piece{{strings.Replace(guideOrder, "ord_1708123456789_abc", fmt.Sprintf("ord_%d", i), 1), 1}}
		}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			stop := heapPeak()
			for b.Loop() {
				got := 0
				err := readListing(&rows{n: c.n, row: c.row}, ordersLimit, func(l order.Listing) error {
					got += len(l.Orders)
					return nil
				})
				if err != nil || got != c.n {
					b.Fatalf("%d orders, %v", got, err)
				}
			}
			b.ReportMetric(float64(stop()), "peak-heap-B")
		})
	}
}
