package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/announce"
	"atelierd/internal/atelier"
	"atelierd/internal/backup"
	"atelierd/internal/beat"
	"atelierd/internal/bounty"
	"atelierd/internal/budget"
	"atelierd/internal/canceller"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/engine"
	"atelierd/internal/enroll"
	"atelierd/internal/intake"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/ping"
	"atelierd/internal/retention"

	"go.uber.org/fx"
)

// changing are the parts of a running daemon that take another configuration.
type changing struct {
	fx.In
	Base    base
	Market  marketParts
	Waits   waits
	Client  *atelier.Client
	Budget  *budget.Budget
	Engine  *engine.Engine
	Runner  *runner
	Poller  *intake.Poller
	Threads *intake.Threads
	Cancels *canceller.Loop
	Watcher *bounty.Watcher
	Setup   *enroll.Setup
	Notices *announce.Announcer
	Pinger  *ping.Pinger
	Backups *backup.Loop
	History *retention.Loop
	Console *consoleLoop
}

// reloader puts another configuration in place of the one in use.
type reloader struct {
	mu    sync.Mutex // one reload at a time
	app   *App
	parts changing
	// running ends when the daemon stops.
	running context.Context
	stored  logonce.Logger
}

// end waits for a reload that is under way, which the end of running has cut short.
func (r *reloader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.app.reloader.Store(nil)
}

// errNotRunning: a daemon that only starts, or stops, has nothing to reload.
var errNotRunning = errors.New("the daemon does not run yet")

// Reload reads the configuration again and uses it from now on. Attempts that run keep the
// one they began with. If it cannot be used, the old one stays, and the owner is shown why:
// the error is a *config.Error then.
func (a *App) Reload() error {
	r := a.reloader.Load()
	if r == nil {
		return errNotRunning
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a.o.Service.Reloads(quietWithin + time.Minute)
	defer a.o.Service.Ready()
	err := r.reload()
	if err == nil {
		a.o.Log.Info("the configuration was read again and is in use", "file", a.config().Path)
		return nil
	}
	a.o.Log.Error("the configuration was not taken over; the old one stays in use", "error", strings.ReplaceAll(err.Error(), "\n", "; "),
		"hint", "correct it, then run "+order.Command("reload"))
	first, _, more := strings.Cut(err.Error(), "\n")
	if more {
		first += ", and more"
	}
	if alertErr := a.store.SetAlert(order.AlertReload, first); alertErr != nil {
		a.o.Log.Warn("the alert could not be stored", "error", alertErr)
	}
	return err
}

// reload checks everything before it changes anything.
func (r *reloader) reload() error {
	a, before := r.app, r.app.live.Load()
	cfg, err := config.Load(a.o.Config.Path)
	if err != nil {
		return err
	}
	if err := fixed(before.cfg, cfg, a.o.Getenv); err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		a.o.Log.Warn("configuration", "warning", w)
	}
	services, err := a.makeServices(cfg)
	if err != nil {
		return err
	}
	b := r.parts.Base
	b.Config = cfg
	notices, err := announcerOptions(b)
	if err != nil {
		return err
	}
	keepRemoved(before, cfg, services)
	r.use(&live{cfg, services}, before, notices)
	return nil
}

// keepRemoved keeps the generators that are configured no longer, for the calls that they
// have begun. No service begins another with them. Their keys stay secret.
func keepRemoved(before *live, cfg *config.Config, services *Services) {
	for name, g := range before.services.generators {
		if _, there := services.generators[name]; !there {
			services.generators[name] = g
			cfg.Generators[name] = before.cfg.Generators[name]
		}
	}
}

// use puts a configuration in use. No work begins meanwhile. Where a service has got a
// stricter mode, what is on its way ends before made work is held.
func (r *reloader) use(now, before *live, notices announce.Options) {
	a, p := r.app, r.parts
	p.Engine.Pause(pausedForReload)
	defer p.Engine.Resume(pausedForReload)
	a.live.Store(now)
	r.tell(now, notices)
	if stricter(before.cfg, now.cfg) {
		r.quiet()
	}
	for r.running.Err() == nil {
		err := errors.Join(a.makeReady(now, before), reconsiderWindows(a.store))
		if err == nil {
			r.stored.Recovered(a.o.Log, "the new configuration is applied to the work under way")
			break
		}
		r.stored.Failed(a.o.Log, "the new configuration cannot be applied to the work under way yet; no work is begun", err)
		beat.Sleep(r.running, quietEvery, nil)
	}
	a.probes.wake()
	a.models.wake()
	a.stored.wake()
}

// pausedForReload is why the engine takes no work for a moment.
const pausedForReload = "the configuration is read again"

// tell hands each part what it needs of the configuration.
func (r *reloader) tell(now *live, notices announce.Options) {
	p, b, c := r.parts, r.parts.Base, now.cfg
	b.Config = c
	p.Runner.current.Store(newFulfiller(b, p.Market, now.services, p.Waits))
	p.Engine.Change(engine.Settings{Generators: c.Work.Generators, MaxAttempts: c.Work.MaxAttempts, Backoff: backoff(c.Work), Drain: c.Work.Drain})
	p.Client.SetDeliverTimeout(c.Work.DeliverTimeout)
	p.Budget.Change(ceilings(c.Budget), c.Budget.Reserve)
	p.Waits.Seen.Within(c.Poll.Interval)
	p.Poller.Change(intake.Pace{
		Interval: c.Poll.Interval, SafetyInterval: c.Webhook.PollInterval, Trust: c.Webhook.Trust, Debounce: c.Webhook.Debounce,
	})
	p.Threads.Change(c.Messages.Interval, c.Messages.WindowInterval)
	p.Cancels.Change(cancellerOptions(b, now.services, p.Waits))
	p.Watcher.Change(bountyOptions(b, p.Client))
	p.Setup.Change(setupOptions(b, p.Client, now.services, p.Poller))
	b.Store.Listen(listeners(notices))
	p.Notices.Change(notices)
	p.Pinger.Change(pingGet(c.Ping))
	p.Backups.Change(backupSettings(c))
	p.History.Change(retentionOptions(b, p.Waits))
	p.Console.Change()
}

const (
	// quietWithin is how long a reload waits for what is on its way.
	quietWithin = 5 * time.Minute
	// quietEvery is the time between two looks at that.
	quietEvery = time.Second
)

// quiet waits until no file, delivery or quote is on its way. The engine takes no work
// meanwhile. It waits a moment at least, in which what has just been made is committed.
func (r *reloader) quiet() {
	for deadline := time.Now().Add(quietWithin); time.Now().Before(deadline) && r.running.Err() == nil; {
		beat.Sleep(r.running, quietEvery, nil)
		if !slices.ContainsFunc(r.parts.Engine.Running(), func(e engine.Attempt) bool {
			return e.Job.Stage != order.StageGenerate && e.Job.Stage != order.StagePrice
		}) {
			return
		}
	}
}

// strictness orders the modes of a service by how little they send unasked.
var strictness = map[string]int{config.ModeAuto: 0, config.ModeReview: 1, config.ModeDryRun: 2}

// stricter reports whether a service sends less unasked than before, or another client is
// blocked.
func stricter(before, now *config.Config) bool {
	if slices.ContainsFunc(now.Clients.Block, func(id string) bool { return !slices.Contains(before.Clients.Block, id) }) {
		return true
	}
	modes := map[string]int{}
	for _, s := range before.Services {
		modes[s.Title] = strictness[s.Mode]
	}
	return slices.ContainsFunc(now.Services, func(s config.Service) bool { return strictness[s.Mode] > modes[s.Title] })
}

// fixed returns a *config.Error if a configuration changes what needs a restart.
func fixed(before, now *config.Config, getenv func(string) string) error {
	var problems []config.Problem
	for _, each := range []struct {
		key      string
		old, new any
	}{
		{"data_dir", before.DataDir, now.DataDir},
		{"base_url", before.BaseURL, now.BaseURL},
		{"blob_url", before.BlobURL, now.BlobURL},
		{"webhook.listen", before.Webhook.Listen, now.Webhook.Listen},
		{"metrics.listen", before.Metrics.Listen, now.Metrics.Listen},
		{"budget.window", before.Budget.Window, now.Budget.Window},
		{"budget.shared_with", before.Budget.SharedWith, now.Budget.SharedWith},
		{"work.lease", before.Work.Lease, now.Work.Lease},
	} {
		if each.old != each.new {
			problems = append(problems, config.Problem{Key: each.key, Text: fmt.Sprintf("is %v in the running daemon; only a restart changes it", each.old)})
		}
	}
	problems = append(problems, missingSecrets(before, now, getenv)...)
	if len(problems) == 0 {
		return nil
	}
	return &config.Error{Path: now.Path, Problems: problems, Hint: "restart the daemon, or put the old values back and run " + order.Command("reload")}
}

// missingSecrets returns the problems of secrets that a configuration names and the one
// before did not, and that only a restart brings.
func missingSecrets(before, now *config.Config, getenv func(string) string) (problems []config.Problem) {
	known, folder := before.Secrets(), getenv(credential.EnvFolder)
	for _, s := range now.Secrets() {
		if slices.Contains(known, s) {
			continue
		}
		if s.Env != "" && getenv(s.Env) == "" {
			problems = append(problems, config.Problem{Text: "the variable " + s.Env + " is not set in the running daemon; only a restart changes its environment"})
		}
		if s.Credential != "" && !credential.Loaded(folder, s.Credential) {
			problems = append(problems, config.Problem{Text: "the running daemon has no credential " + s.Credential + "; only a restart loads it"})
		}
	}
	slices.SortFunc(problems, func(a, b config.Problem) int { return strings.Compare(a.Text, b.Text) })
	return slices.Compact(problems)
}
