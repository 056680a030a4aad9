package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// monitored is a running daemon whose metrics are on.
type monitored struct {
	*restarts
	client *http.Client
	// gone makes the marketplace answer nothing, and full makes each commit fail.
	gone, full atomic.Bool
	stop       func()
	app        *App
}

func (m *monitored) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.gone.Load() {
		return nil, errors.New("connection refused")
	}
	return straight{m.market}.RoundTrip(r)
}

func newMonitored(t *testing.T, dir string) *monitored {
	m := &monitored{restarts: newRestarts(t, dir)}
	m.cfg.Metrics.Listen = "127.0.0.1:9377"
	m.cfg.Digest, m.cfg.Bounties.Interval = "1", time.Hour
	m.cfg.Messages.Interval, m.cfg.Messages.WindowInterval = time.Hour, time.Hour
	l := pipenet.New()
	m.client = &http.Client{Transport: &http.Transport{DialContext: l.Dial}}
	a, err := Open(t.Context(), Options{
		Config: &m.cfg, Getenv: m.getenv, Transport: m,
		Listen: func(string, string) (net.Listener, error) { return l, nil },
		StoreHook: func(point string) error {
			if m.full.Load() && strings.HasPrefix(point, "before:") {
				return errors.New("database or disk is full")
			}
			return nil
		},
		Generators: map[string]fulfill.Generator{"studio": {Name: "studio", Backend: &slowProvider{}, Price: order.Dollar / 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.app = a
	stop := (&drill{t: t}).start(a)
	m.stop = func() {
		m.client.CloseIdleConnections()
		stop()
	}
	return m
}

// get returns the status and the text of a page.
func (m *monitored) get(path string) (int, string) {
	m.t.Helper()
	r, err := m.client.Get("http://metrics" + path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// scrape reads the metrics with Prometheus' own parser.
func (m *monitored) scrape() map[string]*dto.MetricFamily {
	m.t.Helper()
	status, text := m.get("/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || status != http.StatusOK {
		m.t.Fatalf("%d, %v in\n%s", status, err, text)
	}
	return families
}

// value returns the value of the one series with the label values, or -1.
func value(f *dto.MetricFamily, labels ...string) float64 {
	for _, m := range f.GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetValue())
		}
		if slices.Equal(have, labels) {
			return cmp.Or(m.GetGauge().GetValue(), m.GetCounter().GetValue(), float64(m.GetHistogram().GetSampleCount()))
		}
	}
	return -1
}

func TestMetricsSayWhatTheDaemonDoes(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		m := newMonitored(t, dir)
		defer m.stop()
		if _, err := m.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: "a fox", Price: "5.00"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute) // within the first window
		if err := m.app.store.SetAlert(order.AlertWallet, "no wallet is set"); err != nil {
			t.Fatal(err)
		}
		got := m.scrape()
		for _, c := range []struct {
			name   string
			labels []string
			want   float64
		}{
			{"atelierd_orders", []string{"delivered"}, 1},
			{"atelierd_orders", []string{"held"}, 0},
			{"atelierd_calls_total", []string{"studio", "done"}, 1},
			{"atelierd_calls_cost_usd_total", []string{"studio"}, 0.1},
			{"atelierd_stage_duration_seconds", []string{"generate", "done"}, 1},
			{"atelierd_stage_duration_seconds", []string{"deliver", "done"}, 1},
			{"atelierd_oldest_order_age_seconds", nil, 0},
			{"atelierd_database_readable", nil, 1},
		} {
			if v := value(got[c.name], c.labels...); v != c.want {
				t.Errorf("%s%v is %g, want %g", c.name, c.labels, v, c.want)
			}
		}
		if v := value(got["atelierd_polls_total"], "answered"); v < 5 {
			t.Errorf("%g polls were answered in half an hour", v)
		}
		if v := value(got["atelierd_requests_left"], "deliver"); v < 0 || v >= 30 {
			t.Errorf("%g deliveries are left", v)
		}
		if v := value(got["atelierd_last_poll_timestamp_seconds"]); time.Since(time.Unix(int64(v), 0)) > 10*time.Minute {
			t.Errorf("the last poll was at %g", v)
		}
		if v := value(got["atelierd_alerts"], "daemon", "alert.wallet"); v != 1 {
			t.Errorf("the missing wallet shows as %g", v)
		}
	})
}

func TestTheDaemonIsReadyWhileItPollsAndStores(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		m := newMonitored(t, dir)
		defer m.stop()
		expect := func(path string, status int, text string) {
			t.Helper()
			if got, said := m.get(path); got != status || !strings.Contains(said, text) {
				t.Errorf("%s answers %d %q, want %d and %q", path, got, said, status, text)
			}
		}
		time.Sleep(time.Minute)
		expect("/readyz", 200, "ok")
		m.full.Store(true)
		time.Sleep(writeAgain)
		expect("/readyz", 503, "database or disk is full")
		expect("/healthz", 200, "ok")
		m.full.Store(false)
		time.Sleep(writeAgain)
		expect("/readyz", 200, "ok")
		m.gone.Store(true)
		time.Sleep(time.Hour)
		expect("/readyz", 503, "the last poll that the marketplace answered was at")
		expect("/healthz", 200, "ok")
		if v := value(m.scrape()["atelierd_polls_total"], "failed"); v < 1 {
			t.Errorf("%g polls failed", v)
		}
		m.gone.Store(false)
		time.Sleep(time.Hour)
		expect("/readyz", 200, "ok")

		// A loop that never comes back from its own work is stuck.
		_, ended := m.app.activity.loops.Start(t.Context(), "hangs")
		expect("/healthz", 200, "ok")
		time.Sleep(time.Hour)
		expect("/healthz", 503, "hangs")
		ended()
		expect("/healthz", 200, "ok")
	})
}

// TestTheDashboardShowsMetricsThatExist guards that no panel of the dashboard stays empty
// because a metric has another name.
func TestTheDashboardShowsMetricsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "dist", "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		m := newMonitored(t, dir)
		defer m.stop()
		time.Sleep(time.Hour)
		_, text := m.get("/metrics")
		types := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
			types[line[1]] = line[2]
		}
		count := 0
		for _, p := range dashboard.Panels {
			for _, target := range p.Targets {
				for _, name := range regexp.MustCompile(`\b(atelierd|process|go)_\w+`).FindAllString(target.Expr, -1) {
					count++
					base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
					if types[name] == "" && types[base] != "histogram" {
						t.Errorf("panel %s: there is no metric %s", p.Title, name)
					}
				}
			}
		}
		if count < 10 {
			t.Errorf("the dashboard names only %d metrics", count)
		}
	})
}
