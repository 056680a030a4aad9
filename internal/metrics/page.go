package metrics

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The types of a metric.
const (
	typeCounter   = "counter"
	typeGauge     = "gauge"
	typeHistogram = "histogram"
)

// Page is the answer to one scrape.
type Page struct{ text bytes.Buffer }

// Handler returns a handler that answers a scrape with the process's own metrics, the
// counters and histograms of the registry, and what gauges adds.
func (r *Registry) Handler(gauges func(context.Context, *Page)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var p Page
		p.process()
		r.write(&p)
		gauges(q.Context(), &p)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(p.text.Bytes()) // whoever asked has left
	})
}

// Gauge adds a metric that may rise and fall. Samples of it follow.
func (p *Page) Gauge(name, help string) { p.family(name, help, typeGauge) }

// Sample adds a value of the metric that was named last, with the names and values of
// its labels in turn.
func (p *Page) Sample(name string, v float64, labels ...string) {
	p.text.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		p.text.WriteByte("{,"[min(i, 1)])
		p.text.WriteString(labels[i] + `="` + escaped.Replace(strings.ToValidUTF8(labels[i+1], "\ufffd")) + `"`)
	}
	if len(labels) > 0 {
		p.text.WriteByte('}')
	}
	p.text.WriteString(" " + number(v) + "\n")
}

// Value adds a metric with a single value.
func (p *Page) Value(name, help string, v float64) {
	p.Gauge(name, help)
	p.Sample(name, v)
}

var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func (p *Page) family(name, help, kind string) {
	p.text.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// write adds the counters and histograms.
func (r *Registry) write(p *Page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.families {
		kind := typeCounter
		if f.bounds != nil {
			kind = typeHistogram
		}
		p.family(f.name, f.help, kind)
		for _, key := range slices.Sorted(maps.Keys(f.series)) {
			f.write(p, f.series[key])
		}
	}
}

func (f *family) write(p *Page, s *series) {
	var labels []string
	for i, name := range f.labels {
		labels = append(labels, name, s.values[i])
	}
	if f.bounds == nil {
		p.Sample(f.name, s.total, labels...)
		return
	}
	count := uint64(0)
	for i, n := range s.counts {
		count += n
		bound := "+Inf"
		if i < len(f.bounds) {
			bound = number(f.bounds[i])
		}
		p.Sample(f.name+"_bucket", float64(count), append(labels[:len(labels):len(labels)], "le", bound)...)
	}
	p.Sample(f.name+"_sum", s.total, labels...)
	p.Sample(f.name+"_count", float64(count), labels...)
}
