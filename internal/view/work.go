package view

import (
	"context"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/forecast"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// workNow is the work that runs, and what is expected of each order with open work.
type workNow struct {
	running  []Work
	expected map[string]Expectation
	cut      bool // so much waits that not all of it was read
}

// Work is an attempt that runs.
type Work struct {
	Order   string      `json:"order_id"`
	Kind    order.Kind  `json:"kind"`
	Round   int         `json:"round"`
	Stage   order.Stage `json:"stage"`
	Attempt int         `json:"attempt,omitzero"` // unknown unless the daemon answers
	Since   time.Time   `json:"since"`
	// Progress is how far it is, as the daemon says.
	Progress order.Progress `json:"progress,omitzero"`
	// UsualSeconds is how long such work usually takes; 0 is unknown.
	UsualSeconds float64 `json:"usual_seconds,omitzero"`
	Expectation
}

// Expectation is when an order is expected to be delivered, or why that is unknown. Both
// are empty for an order without work on a delivery.
type Expectation struct {
	Expected        time.Time `json:"expected,omitzero"`
	ExpectedUnknown string    `json:"expected_unknown,omitempty"`
}

// work reads what runs and what is expected. A daemon that does not answer is no
// error: the database says what runs, and nothing says how far it is.
func (r reading) work(ctx context.Context) (workNow, error) {
	in := forecast.Input{Now: r.now, Workers: r.cfg.Work.Generators}
	var err error
	if in.Usual, err = r.store.Usual(ctx); err != nil {
		return workNow{}, err
	}
	if in.Requests, err = r.requestsLeft(ctx); err != nil {
		return workNow{}, err
	}
	alive := r.holder != 0
	if in.Stopped, err = r.stopped(ctx); err != nil {
		return workNow{}, err
	}
	pauses, err := r.store.Pauses(ctx)
	if err != nil {
		return workNow{}, err
	}
	jobs, err := r.store.OpenJobs(ctx)
	if err != nil {
		return workNow{}, err
	}
	w := workNow{running: []Work{}, expected: map[string]Expectation{}, cut: len(jobs) >= store.MostWaiting}
	for _, j := range jobs {
		f := forecast.Job{
			Order: j.Order, Kind: j.Kind, Stage: j.Stage, Running: j.State == order.JobLeased, Began: j.Changed, RunAt: j.RunAt, Code: j.Code,
		}
		for _, s := range r.cfg.Services {
			if s.Title == j.Service {
				f.Generator, f.Approval = s.Generator, s.Mode != config.ModeAuto
			}
		}
		if _, paused := order.PauseOf(pauses, j.Service, r.now); paused && !f.Running && j.Stage == order.StageGenerate {
			f.Code = order.CodePausedByOwner
		}
		if f.Running && alive {
			v := viewWork(j, r.daemon.Work)
			f.Progress = v.Progress
			if v.Progress.Generator != "" {
				f.Generator = v.Progress.Generator
			}
			v.UsualSeconds = in.Usual.Of(j.Stage, f.Generator).Seconds()
			w.running = append(w.running, v)
		}
		in.Jobs = append(in.Jobs, f)
	}
	for id, x := range forecast.Estimate(in) {
		w.expected[id] = Expectation{x.At, x.Unknown}
	}
	for i, v := range w.running {
		w.running[i].Expectation = w.expected[v.Order]
	}
	return w, nil
}

// stopped returns why no work runs, or "".
func (r reading) stopped(ctx context.Context) (string, error) {
	if r.holder == 0 {
		return "atelierd is not running", nil
	}
	l, err := r.store.Ledger(ctx)
	if err != nil {
		return "", err
	}
	if l.Reconcile != "" {
		return "the ledger is not reconciled", nil
	}
	return "", nil
}

// requestsLeft returns how many requests to the marketplace are left.
func (r reading) requestsLeft(ctx context.Context) (left forecast.Requests, err error) {
	b := r.cfg.Budget
	windows, err := r.store.Windows(ctx)
	if err != nil {
		return left, err
	}
	counts, err := r.store.Fact(ctx, order.FactCounts)
	if err != nil {
		return left, err
	}
	count := func(scope string, limit int) forecast.Count {
		w := openWindow(windows, scope, r.now)
		if w.Limit > 0 {
			limit = min(limit, w.Limit)
		}
		return forecast.Count{Left: limit - w.Used, Limit: limit, Ends: w.EndsAt, Every: b.Window, Blocked: w.BlockedUntil}
	}
	left.Upload, left.Deliver = count(string(order.RequestUpload), b.Upload), count(string(order.RequestDeliver), b.Deliver)
	if counts != order.CountsSeparate {
		all := count(order.ScopeAll, b.Poll)
		left.All = &all
	}
	return left, nil
}

func viewWork(j store.OpenJob, live []control.Work) Work {
	v := Work{Order: j.Order, Kind: j.Kind, Round: j.Round, Stage: j.Stage, Since: j.Changed}
	for _, w := range live {
		if w.Order == j.Order && w.Kind == j.Kind && w.Round == j.Round && w.Stage == j.Stage {
			v.Attempt, v.Since, v.Progress = w.Attempt, w.Since, w.Progress
		}
	}
	return v
}

// expect returns what is expected of an order in a state.
func (w workNow) expect(id string, state order.State) Expectation {
	x, ok := w.expected[id]
	switch {
	case state != order.StateWorking:
		return Expectation{}
	case !ok && w.cut:
		x.ExpectedUnknown = fmt.Sprintf("over %d jobs wait before it", store.MostWaiting)
	}
	return x
}

// of returns the attempt that runs for an order, if one does.
func (w workNow) of(id string) (v Work, ok bool) {
	for _, v := range w.running {
		if v.Order == id {
			return v, true
		}
	}
	return v, false
}

// Text describes how far the work is: "generate 40%, for 2m, usually 3m".
func (v Work) Text(now time.Time) string {
	began := v.Since
	if !v.Progress.Began.IsZero() {
		began = v.Progress.Began
	}
	parts := []string{string(v.Stage)}
	if p := v.Progress.String(); p != "" {
		parts[0] += " " + p
	}
	if v.Progress.Text != "" {
		parts = append(parts, words.Line(v.Progress.Text, 60))
	}
	parts = append(parts, "for "+words.Span(max(now.Sub(began), 0)))
	if v.UsualSeconds >= 1 {
		parts = append(parts, "usually "+words.Span(time.Duration(v.UsualSeconds*float64(time.Second))))
	}
	return strings.Join(parts, ", ")
}

// Text is the expectation in a sentence, or "" for an order that is not worked on.
func (x Expectation) Text(now time.Time) string {
	switch {
	case x.ExpectedUnknown != "":
		return "unknown: " + x.ExpectedUnknown
	case x.Expected.IsZero():
		return ""
	}
	return fmt.Sprintf("%s, %s", words.Clock(x.Expected), words.Relative(now, x.Expected))
}
