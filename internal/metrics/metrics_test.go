package metrics

import (
	"context"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads a registry as Prometheus does.
func scrape(t *testing.T, r *Registry, gauges func(context.Context, *Page)) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler(gauges).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if format := expfmt.ResponseFormat(w.Result().Header); format.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("the content type %q is not that of Prometheus' text", w.Result().Header.Get("Content-Type"))
	}
	text := w.Body.String()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

func TestAScrapeIsWhatPrometheusParses(t *testing.T) {
	t.Parallel()
	r := New()
	total := r.Counter("things_total", "Things.", "name", "kind")
	total.Add(1, "a", "plain")
	total.Add(0.5, "a", "plain")
	total.Add(2, "quoted \"\\\n\xff", "odd")
	took := r.Histogram("took_seconds", "How long.", []float64{1, 10}, "stage")
	for _, v := range []float64{0.5, 1, 9.5, 100} {
		took.Observe(v, "make")
	}
	families := scrape(t, r, func(_ context.Context, p *Page) { p.Value("level", "A level.", -3) })
	sums := map[string]float64{}
	for _, m := range families["things_total"].GetMetric() {
		sums[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	if sums["a"] != 1.5 || sums["quoted \"\\\n\ufffd"] != 2 {
		t.Errorf("the counters are %v", sums)
	}
	h := families["took_seconds"].GetMetric()[0].GetHistogram()
	var counts []uint64
	for _, b := range h.GetBucket() {
		counts = append(counts, b.GetCumulativeCount())
	}
	if h.GetSampleCount() != 4 || h.GetSampleSum() != 111 || len(counts) != 3 || counts[0] != 2 || counts[1] != 3 || counts[2] != 4 {
		t.Errorf("the histogram has %d values of sum %g, by bucket %d", h.GetSampleCount(), h.GetSampleSum(), counts)
	}
	if v := families["level"].GetMetric()[0].GetGauge().GetValue(); v != -3 {
		t.Errorf("the gauge is %g", v)
	}
}

func TestTheProcessIsMeasured(t *testing.T) {
	t.Parallel()
	families := scrape(t, New(), func(context.Context, *Page) {})
	want := []string{"go_goroutines"}
	if runtime.GOOS == "linux" {
		want = append(want, "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_cpu_seconds_total")
	}
	for _, name := range want {
		f := families[name]
		if f == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		m := f.GetMetric()[0]
		if v := m.GetGauge().GetValue() + m.GetCounter().GetValue(); v <= 0 {
			t.Errorf("%s is %g", name, v)
		}
	}
}
