package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/budget"
	"atelierd/internal/metrics"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// health serves metrics, and whether the process works.
type health struct {
	port     net.Listener // nil when it is off
	store    *store.Store
	budget   *budget.Budget
	measured *measured
	activity *activity
	within   func() time.Duration // how old the last answered poll may be
	log      *slog.Logger
	writes   *sync.WaitGroup

	mu      sync.Mutex
	writing bool
	wrote   time.Time // when the last write ended
	failed  error     // why it failed
}

func newHealth(b base, m *budget.Budget) *health {
	return &health{
		port: b.App.metricsPort, store: b.Store, budget: m, measured: b.App.measured, activity: &b.App.activity,
		within: func() time.Duration { return b.config().PollWithin() }, log: b.Log, writes: &b.App.loops,
	}
}

// run serves until ctx ends. No error of the listener ends the daemon.
func (h *health) run(ctx context.Context) error {
	beat.Idle(ctx)
	if h.port != nil {
		h.log.Info("serving metrics", "address", h.port.Addr().String())
	}
	if err := servePort(ctx, h.port, h.handler()); err != nil {
		h.log.Error("the metrics server failed", "error", err, "hint", "restart the daemon; its work continues meanwhile")
		<-ctx.Done()
	}
	return nil
}

func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.measured.registry.Handler(h.gauges))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, h.activity.stuck()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answerHealth(w, cmp.Or(h.measured.silent(h.within()), h.writable(r.Context())))
	})
	return mux
}

// answerHealth answers with 200 unless something is wrong.
func answerHealth(w http.ResponseWriter, wrong string) {
	if wrong != "" {
		http.Error(w, wrong, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

const (
	// writeAgain is how long the outcome of a write is shown before another is tried.
	writeAgain = 10 * time.Second
	// writeWithin is how long a write may take.
	writeWithin = 5 * time.Second
)

// factReady is when the last check wrote to the database.
const factReady = "ready.checked"

// writable returns why the database takes no writes, or "". A write cannot be interrupted,
// so a check that finds one under way does not begin another.
func (h *health) writable(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	done := h.write()
	select {
	case <-done:
	case <-ctx.Done():
		return "a write to the database takes long"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.writing:
		return "an earlier write to the database takes long"
	case h.failed != nil:
		return "the database takes no writes: " + h.failed.Error()
	}
	return ""
}

// write writes to the database unless that was done just now or is under way. The channel
// is closed when it is done.
func (h *health) write() <-chan struct{} {
	done := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writing || time.Since(h.wrote) < writeAgain {
		close(done)
		return done
	}
	h.writing = true
	h.writes.Go(func() {
		defer close(done)
		err := h.store.SetFact(factReady, time.Now().UTC().Format(time.RFC3339))
		h.mu.Lock()
		defer h.mu.Unlock()
		h.writing, h.wrote, h.failed = false, time.Now(), err
	})
	return done
}

// gauges adds the state of the process and of the database at the moment.
func (h *health) gauges(ctx context.Context, p *metrics.Page) {
	p.Gauge("atelierd_build_info", "The version that runs.")
	p.Sample("atelierd_build_info", 1, "version", Version())
	if at := h.activity.startedAt(); !at.IsZero() {
		p.Value("process_start_time_seconds", "When the daemon began to run, in seconds since 1970.", seconds(at))
	}
	if last := h.measured.lastPoll(); !last.IsZero() {
		p.Value("atelierd_last_poll_timestamp_seconds", "When the last poll that the marketplace answered began, in seconds since 1970.", seconds(last))
	}
	p.Gauge("atelierd_requests_left", "Requests to the marketplace that are left in this window, by kind.")
	left := h.budget.Left()
	for _, kind := range slices.Sorted(maps.Keys(left)) {
		p.Sample("atelierd_requests_left", float64(left[kind]), "kind", string(kind))
	}
	m, err := h.store.Measures(ctx)
	readable := 1.0
	if err != nil {
		readable = 0
		h.log.Debug("metrics could not be read from the database", "error", err)
	}
	p.Value("atelierd_database_readable", "Whether the database could be read for this scrape.", readable)
	if err == nil {
		stored(p, m, time.Now())
	}
	if list, err := h.store.Pauses(ctx); err == nil {
		paused(p, list)
	}
}

var openStates = []order.State{order.StateWaiting, order.StateWorking, order.StateHeld, order.StateFailed, order.StateDelivered}

// stored adds the metrics that are read from the database.
func stored(p *metrics.Page, m store.Measures, now time.Time) {
	p.Gauge("atelierd_orders", "Orders that have not ended, by state.")
	for _, s := range openStates {
		p.Sample("atelierd_orders", float64(m.Orders[s]), "state", string(s))
	}
	p.Gauge("atelierd_jobs", "Work that is ready or runs, by stage.")
	for _, q := range m.Queue {
		p.Sample("atelierd_jobs", float64(q.Jobs), "stage", string(q.Stage), "state", string(q.State))
	}
	p.Gauge("atelierd_queue_age_seconds", "How long the first of the ready jobs of a stage has been due.")
	for _, q := range m.Queue {
		if q.State == order.JobReady {
			p.Sample("atelierd_queue_age_seconds", max(now.Sub(q.Due).Seconds(), 0), "stage", string(q.Stage))
		}
	}
	age := 0.0
	if !m.OldestWorking.IsZero() {
		age = max(now.Sub(m.OldestWorking).Seconds(), 0)
	}
	p.Value("atelierd_oldest_order_age_seconds", "How long ago the oldest order that is worked on was first seen; 0 without one.", age)
	p.Gauge("atelierd_alerts", "What waits for the owner, by kind and code.")
	for _, a := range slices.SortedFunc(maps.Keys(m.Alerts), func(a, b store.Alerted) int {
		return cmp.Or(strings.Compare(a.What, b.What), strings.Compare(string(a.Code), string(b.Code)))
	}) {
		p.Sample("atelierd_alerts", float64(m.Alerts[a]), "what", a.What, "code", string(a.Code))
	}
}

// paused adds what the owner has paused. The pause of all has an empty label.
func paused(p *metrics.Page, list []order.Pause) {
	p.Gauge("atelierd_paused", "Services that are paused by the owner; an empty service is every service.")
	for _, each := range list {
		p.Sample("atelierd_paused", 1, "service", each.Service)
	}
}

// seconds is a time as Prometheus has it.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
