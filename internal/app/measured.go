package app

import (
	"errors"
	"sync"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/intake"
	"atelierd/internal/metrics"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// measured are the metrics of this process since it began.
type measured struct {
	registry *metrics.Registry
	stages   metrics.Histogram
	polls    metrics.Counter
	calls    metrics.Counter
	cost     metrics.Counter

	mu       sync.Mutex
	answered time.Time // when the last poll that the marketplace answered began
}

// stageBounds are the bounds of how long a stage takes: from a request to a video.
var stageBounds = []float64{0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}

func newMeasured() *measured {
	r := metrics.New()
	return &measured{
		registry: r,
		stages:   r.Histogram("atelierd_stage_duration_seconds", "How long the attempts at a stage took, by outcome.", stageBounds, "stage", "outcome"),
		polls:    r.Counter("atelierd_polls_total", "Polls of the marketplace, by result.", "result"),
		calls:    r.Counter("atelierd_calls_total", "Calls of generators whose outcome is known, by outcome.", "generator", "outcome"),
		cost:     r.Counter("atelierd_calls_cost_usd_total", "What these calls cost, in US dollars.", "generator"),
	}
}

func (m *measured) attempt(e engine.Ended) {
	outcome := "done"
	if e.Failure != nil {
		outcome = string(e.Failure.Class)
	}
	m.stages.Observe(e.Took.Seconds(), string(e.Job.Stage), outcome)
}

func (m *measured) poll(s intake.PollState) {
	switch f, _ := errors.AsType[*order.Failure](s.Err); {
	case s.Err == nil:
		m.polls.Add(1, "answered")
		m.mu.Lock()
		defer m.mu.Unlock()
		m.answered = s.At
	case f != nil && f.Class == order.Wait:
		m.polls.Add(1, "put_off")
	default:
		m.polls.Add(1, "failed")
	}
}

func (m *measured) call(c store.Closed) {
	m.calls.Add(1, c.Generator, string(c.State))
	m.cost.Add(float64(c.Cost)/float64(order.Dollar), c.Generator)
}

// lastPoll returns when the last poll that the marketplace answered began, or zero.
func (m *measured) lastPoll() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answered
}

// silent returns why the marketplace counts as not reached, or "". within is how old the
// last answered poll may be.
func (m *measured) silent(within time.Duration) string {
	switch last := m.lastPoll(); {
	case last.IsZero():
		return "the marketplace has answered no poll yet"
	case time.Since(last) > within:
		return "the last poll that the marketplace answered was at " + last.UTC().Format(time.RFC3339)
	}
	return ""
}
