// Package metrics keeps the counters and histograms of a running process, and writes
// them in the text format of Prometheus next to values that are read for each scrape.
//
// It must not know what is counted, or who asks for it.
package metrics

import (
	"slices"
	"strings"
	"sync"
)

// Registry holds the counters and histograms of a process. Create it with New.
type Registry struct {
	mu       sync.Mutex
	families []*family
}

// New returns an empty registry.
func New() *Registry { return &Registry{} }

// family is a metric with one series for each combination of its labels' values.
type family struct {
	mu         *sync.Mutex // the registry's
	name, help string
	labels     []string
	bounds     []float64 // of a histogram
	series     map[string]*series
}

type series struct {
	values []string
	total  float64  // of a counter, or the sum of a histogram
	counts []uint64 // of a histogram: one a bound, and one above all of them
}

// Counter only grows. Its name ends with _total.
type Counter struct{ *family }

// Histogram counts values by size. Its name ends with the unit.
type Histogram struct{ *family }

// Counter adds a counter. Make each name once.
func (r *Registry) Counter(name, help string, labels ...string) Counter {
	return Counter{r.add(&family{name: name, help: help, labels: labels})}
}

// Histogram adds a histogram with the given upper bounds, which ascend. Make each name once.
func (r *Registry) Histogram(name, help string, bounds []float64, labels ...string) Histogram {
	return Histogram{r.add(&family{name: name, help: help, labels: labels, bounds: bounds})}
}

func (r *Registry) add(f *family) *family {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.mu, f.series = &r.mu, map[string]*series{}
	r.families = append(r.families, f)
	return f
}

// Add adds v, which is not negative, to the series with these values of the labels.
func (c Counter) Add(v float64, values ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(values).total += v
}

// Observe counts v in the series with these values of the labels.
func (h Histogram) Observe(v float64, values ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.at(values)
	if s.counts == nil {
		s.counts = make([]uint64, len(h.bounds)+1)
	}
	at, _ := slices.BinarySearch(h.bounds, v)
	s.counts[at]++
	s.total += v
}

// at returns the series of the values. The caller holds the lock.
func (f *family) at(values []string) *series {
	if len(values) != len(f.labels) {
		panic("metrics: " + f.name + " has other labels")
	}
	key := strings.Join(values, "\x00")
	s := f.series[key]
	if s == nil {
		s = &series{values: slices.Clone(values)}
		f.series[key] = s
	}
	return s
}
