package cli

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
	"atelierd/internal/term"
)

// This file has how far running work is, and when orders are expected to be delivered,
// for the commands that show orders.

// workNow is the work that runs, and what is expected of each order with open work.
type workNow struct {
	running  []workView
	expected map[string]expectedView
	cut      bool // so much waits that not all of it was read
}

// workView is an attempt that runs.
type workView struct {
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
	expectedView
}

// expectedView is when an order is expected to be delivered, or why that is unknown. Both
// are empty for an order without work on a delivery.
type expectedView struct {
	Expected        time.Time `json:"expected,omitzero"`
	ExpectedUnknown string    `json:"expected_unknown,omitempty"`
}

// readWork reads what runs and what is expected. A daemon that does not answer is no
// error: the database says what runs, and nothing says how far it is.
func readWork(ctx context.Context, cfg *config.Config, st *store.Store, now time.Time) (workNow, error) {
	in := forecast.Input{Now: now, Workers: cfg.Work.Generators}
	var err error
	if in.Usual, err = st.Usual(ctx); err != nil {
		return workNow{}, err
	}
	if in.Requests, err = requestsLeft(ctx, cfg.Budget, st, now); err != nil {
		return workNow{}, err
	}
	alive := store.Holder(cfg.DataDir) != 0
	if in.Stopped, err = stopped(ctx, st, alive); err != nil {
		return workNow{}, err
	}
	pauses, err := st.Pauses(ctx)
	if err != nil {
		return workNow{}, err
	}
	jobs, err := st.OpenJobs(ctx)
	if err != nil {
		return workNow{}, err
	}
	live := liveWork(ctx, cfg.DataDir)
	w := workNow{running: []workView{}, expected: map[string]expectedView{}, cut: len(jobs) >= store.MostWaiting}
	for _, j := range jobs {
		f := forecast.Job{
			Order: j.Order, Kind: j.Kind, Stage: j.Stage, Running: j.State == order.JobLeased, Began: j.Changed, RunAt: j.RunAt, Code: j.Code,
		}
		for _, s := range cfg.Services {
			if s.Title == j.Service {
				f.Generator, f.Approval = s.Generator, s.Mode != config.ModeAuto
			}
		}
		if _, paused := order.PauseOf(pauses, j.Service, now); paused && !f.Running && j.Stage == order.StageGenerate {
			f.Code = order.CodePausedByOwner
		}
		if f.Running && alive {
			v := viewWork(j, live)
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
		w.expected[id] = expectedView{x.At, x.Unknown}
	}
	for i, v := range w.running {
		w.running[i].expectedView = w.expected[v.Order]
	}
	return w, nil
}

// stopped returns why no work runs, or "".
func stopped(ctx context.Context, st *store.Store, alive bool) (string, error) {
	if !alive {
		return "atelierd is not running", nil
	}
	l, err := st.Ledger(ctx)
	if err != nil {
		return "", err
	}
	if l.Reconcile != "" {
		return "the ledger is not reconciled", nil
	}
	return "", nil
}

// requestsLeft returns how many requests to the marketplace are left.
func requestsLeft(ctx context.Context, b config.Budget, st *store.Store, now time.Time) (r forecast.Requests, err error) {
	windows, err := st.Windows(ctx)
	if err != nil {
		return r, err
	}
	counts, err := st.Fact(ctx, order.FactCounts)
	if err != nil {
		return r, err
	}
	count := func(scope string, limit int) forecast.Count {
		w := openWindow(windows, scope, now)
		if w.Limit > 0 {
			limit = min(limit, w.Limit)
		}
		return forecast.Count{Left: limit - w.Used, Limit: limit, Ends: w.EndsAt, Every: b.Window, Blocked: w.BlockedUntil}
	}
	r.Upload, r.Deliver = count(string(order.RequestUpload), b.Upload), count(string(order.RequestDeliver), b.Deliver)
	if counts != order.CountsSeparate {
		all := count(order.ScopeAll, b.Poll)
		r.All = &all
	}
	return r, nil
}

// liveWork returns what a running daemon says of the work that runs; nil without an
// answer.
func liveWork(ctx context.Context, dir string) []control.Work {
	s, _ := askDaemon(ctx, dir)
	return s.Work
}

func viewWork(j store.OpenJob, live []control.Work) workView {
	v := workView{Order: j.Order, Kind: j.Kind, Round: j.Round, Stage: j.Stage, Since: j.Changed}
	for _, w := range live {
		if w.Order == j.Order && w.Kind == j.Kind && w.Round == j.Round && w.Stage == j.Stage {
			v.Attempt, v.Since, v.Progress = w.Attempt, w.Since, w.Progress
		}
	}
	return v
}

// expect returns what is expected of an order in a state.
func (w workNow) expect(id string, state order.State) expectedView {
	x, ok := w.expected[id]
	switch {
	case state != order.StateWorking:
		return expectedView{}
	case !ok && w.cut:
		x.ExpectedUnknown = fmt.Sprintf("over %d jobs wait before it", store.MostWaiting)
	}
	return x
}

// of returns the attempt that runs for an order, if one does.
func (w workNow) of(id string) (v workView, ok bool) {
	for _, v := range w.running {
		if v.Order == id {
			return v, true
		}
	}
	return v, false
}

// text describes how far the work is: "generate 40%, for 2m, usually 3m".
func (v workView) text(now time.Time) string {
	began := v.Since
	if !v.Progress.Began.IsZero() {
		began = v.Progress.Began
	}
	parts := []string{string(v.Stage)}
	if p := v.Progress.String(); p != "" {
		parts[0] += " " + p
	}
	if v.Progress.Text != "" {
		parts = append(parts, term.Line(v.Progress.Text, 60))
	}
	parts = append(parts, "for "+term.Span(max(now.Sub(began), 0)))
	if v.UsualSeconds >= 1 {
		parts = append(parts, "usually "+term.Span(time.Duration(v.UsualSeconds*float64(time.Second))))
	}
	return strings.Join(parts, ", ")
}

// text is the expectation in a sentence, or "" for an order that is not worked on.
func (x expectedView) text(now time.Time) string {
	switch {
	case x.ExpectedUnknown != "":
		return "unknown: " + x.ExpectedUnknown
	case x.Expected.IsZero():
		return ""
	}
	return fmt.Sprintf("%s, %s", term.Clock(x.Expected), term.Relative(now, x.Expected))
}

// showWork shows the work that runs.
func (v statusView) showWork(g *term.Page, now time.Time) {
	rows := [][]term.Cell{}
	for _, w := range v.Work[:min(len(v.Work), mostAttention)] {
		text := w.text(now)
		if !w.Expected.IsZero() {
			text += "; expected " + term.Relative(now, w.Expected)
		}
		rows = append(rows, []term.Cell{term.Plain(term.Line(w.Order, 64)), term.Plain(text)})
	}
	g.Table("  ", rows)
	if more := len(v.Work) - mostAttention; more > 0 {
		g.Linef("  and %d more at work; --json shows all", more)
	}
}
