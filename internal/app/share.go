package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/budget"
	"atelierd/internal/budget/shared"
	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file is where agents on one address count together.

// sharedCount is a count in a folder or in NATS.
type sharedCount interface {
	budget.Share
	Close() error
}

// countIn returns the count that the configuration names, for the agent of the options.
func countIn(cfg *config.Config, o shared.Options, log *slog.Logger) sharedCount {
	if cfg.Budget.SharedWith == config.SharedNATS {
		return inNATS(cfg, o, log)
	}
	o.Dir = cfg.Budget.SharedWith
	return shared.New(o)
}

// inNATS returns the count in the servers of the configuration.
func inNATS(cfg *config.Config, o shared.Options, log *slog.Logger) *shared.Bucket {
	l := newLink(cfg.NATS, agentName, log)
	l.options.Wait = countWithin
	open := func() (shared.Cell, error) {
		q, err := l.open()
		if err != nil {
			return nil, err
		}
		return q.Requests(), nil
	}
	return shared.NewBucket(shared.BucketOptions{Open: open, Close: l.close, ID: o.ID, Name: o.Name, Brief: o.Brief})
}

// countWithin is how long one request to NATS may take. Requests to the marketplace wait for it.
const countWithin = 3 * time.Second

// Answers returns what asks a daemon at its socket. Those that count together in NATS may
// be on other machines, where the same path is another socket.
func Answers(cfg *config.Config) view.Answering {
	if cfg.Budget.SharedWith == config.SharedNATS {
		return func(context.Context, string) (answers, known bool) { return false, false }
	}
	return control.Answers
}

// share returns the count that the agents on the address share, or nil.
func (b base) share(ctx context.Context) (budget.Share, error) {
	if b.Config.Budget.SharedWith == "" {
		return nil, nil
	}
	l, err := b.Store.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	o := shared.Options{ID: l.ID, Name: b.Config.Agent.Name, Brief: b.App == nil}
	if b.App == nil {
		return countIn(b.Config, o, b.Log), nil
	}
	if b.App.shared == nil {
		b.App.shared = countIn(b.Config, o, b.Log)
	}
	return b.App.shared, nil
}

// shareLoop shows the other agents on the address that this one runs.
type shareLoop struct {
	b       base
	budget  *budget.Budget
	console *consoleLoop
}

const (
	// showWithin is how long one turn may take.
	showWithin = time.Minute
	// leaveWithin is how long the last one may take, at a stop.
	leaveWithin = 3 * time.Second
)

// run shows it until ctx ends. No error of the folder ends the daemon.
func (s shareLoop) run(ctx context.Context) error {
	if s.b.Config.Budget.SharedWith == "" {
		s.alert("")
		beat.Idle(ctx)
		<-ctx.Done()
		return nil
	}
	var unread logonce.Logger
	about := budget.About{Name: s.b.config().Agent.Name}
	for ctx.Err() == nil {
		limited, cancel := beat.Timeout(ctx, showWithin)
		if err := s.about(limited, &about); err == nil {
			unread.Recovered(s.b.Log, "what the other agents are shown is read again")
		} else if ctx.Err() == nil {
			unread.Failed(s.b.Log, "what the other agents are shown could not be read", err)
		}
		_ = s.budget.Beat(limited, about) // ShareError has it
		cancel()
		s.alert(s.reason())
		beat.Sleep(ctx, budget.BeatEvery, nil)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	_ = s.budget.Leave(last, about) // otherwise the others notice a little later
	return nil
}

// about reads what the owner sees of this agent among the others.
func (s shareLoop) about(ctx context.Context, a *budget.About) error {
	a.Name, a.Console = s.b.config().Agent.Name, s.console.shown().URL
	if socket := s.b.App.socket; socket != nil {
		a.Socket = socket.Path
	}
	r := view.Reader{
		Config: s.b.config, Store: s.b.Store,
		Daemon: func(context.Context) (control.State, bool) { return s.console.daemon.State(), true },
	}
	now, err := r.Status(ctx)
	if err != nil {
		return err
	}
	check := r.Check(now, 0)
	a.Open, a.Needs, a.Stopped = 0, len(check.Reasons), check.State == view.Down
	for _, n := range now.Orders {
		a.Open += n
	}
	return nil
}

// reason is why the count is not shared, for the owner.
func (s shareLoop) reason() string {
	err := s.budget.ShareError()
	if err == nil {
		return ""
	}
	return "this agent counts alone: " + strings.ReplaceAll(err.Error(), "\n", "; ")
}

// alert shows the owner why the count is not shared; empty for nothing.
func (s shareLoop) alert(text string) {
	before, err := s.b.Store.Fact(context.Background(), string(order.AlertSharedCount.Code()))
	if err == nil && before != text {
		err = s.b.Store.SetAlert(order.AlertSharedCount, text)
	}
	if err != nil {
		s.b.Log.Warn("write to the store failed", "error", err)
	}
}

// neighbours returns what reads the agents on the address. Why there are none to see is an
// alert.
func neighbours(r view.Reader) func(context.Context) *view.Agents {
	return func(ctx context.Context) *view.Agents {
		if r.Config().Budget.SharedWith == "" {
			return nil
		}
		c, err := SharedCount(ctx, r.Config())
		if err != nil {
			return nil
		}
		v, err := r.Agents(ctx, c, Answers(r.Config()))
		if err != nil {
			return nil
		}
		return &v
	}
}

// CheckSharedCount returns why the count that the agents on the address share cannot be
// used, or how many agents are in it. It changes nothing.
func CheckSharedCount(ctx context.Context, cfg *config.Config) (agents int, err error) {
	if cfg.Budget.SharedWith == config.SharedNATS {
		return briefly(cfg).Check(ctx)
	}
	return shared.Check(ctx, cfg.Budget.SharedWith)
}

// SharedCount reads what the agents on the address share.
func SharedCount(ctx context.Context, cfg *config.Config) (budget.Common, error) {
	if cfg.Budget.SharedWith == config.SharedNATS {
		return briefly(cfg).Read(ctx)
	}
	return shared.Look(ctx, cfg.Budget.SharedWith)
}

// briefly returns the count in NATS for one look, by no agent.
func briefly(cfg *config.Config) *shared.Bucket {
	return inNATS(cfg, shared.Options{Brief: true}, slog.New(slog.DiscardHandler))
}
