package store

import "testing"

// BenchmarkOpen opens an up-to-date database in each of the three ways, and
// makes a new one.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openNew(b, Options{Dir: dir})
	toDeliver(b, s, "o1")
	s.Close()
	for name, open := range map[string]func() (*Store, error){
		"daemon": func() (*Store, error) { return Open(Options{Dir: dir}) },
		"reader": func() (*Store, error) { return OpenReader(dir) },
		"owner":  func() (*Store, error) { o, err := OpenOwner(dir, "cli:test"); return o.Store, err },
		"new":    func() (*Store, error) { return Open(Options{Dir: b.TempDir()}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := open()
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				s.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/open")
		})
	}
}
