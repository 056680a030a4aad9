package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"atelierd/internal/announce"
	"atelierd/internal/backup"
	"atelierd/internal/beat"
	"atelierd/internal/bounty"
	"atelierd/internal/budget"
	"atelierd/internal/canceller"
	"atelierd/internal/engine"
	"atelierd/internal/enroll"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/ping"
	"atelierd/internal/reconcile"
	"atelierd/internal/retention"
	"atelierd/internal/store"
	"atelierd/internal/thumb"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// loop is one thing that the daemon does for as long as it runs.
type loop struct {
	name string
	// stop is when the loop is stopped, lower ones first: polling first, the
	// engine, which may drain for long, last.
	stop int
	// run blocks until ctx ends. An error before that ends the daemon.
	run func(context.Context) error
}

// loops are the parts of the daemon as fx collects them.
type loops struct {
	fx.In
	Lifecycle fx.Lifecycle
	Log       *slog.Logger
	Loops     []loop `group:"loops"`
}

// asLoop adds what a constructor returns to the loops of the daemon.
func asLoop(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"loops"`)))
}

// daemonLoops are all loops of the daemon.
func daemonLoops() fx.Option {
	return fx.Options(
		asLoop(func(p *intake.Poller) loop { return loop{"poll", 1, p.Run} }),
		asLoop(func(w *webhooks) loop { return loop{"webhooks", 0, w.run} }),
		asLoop(func(c *reconcile.Checker) loop { return loop{"reconcile", 1, c.Run} }),
		asLoop(func(w *bounty.Watcher) loop { return loop{"bounties", 2, w.Run} }),
		asLoop(func(t *intake.Threads) loop { return loop{"threads", 3, t.Run} }),
		asLoop(func(r *intake.Reviews) loop { return loop{"reviews", 3, r.Run} }),
		asLoop(func(l *canceller.Loop) loop { return loop{"cancellations", 3, l.Run} }),
		asLoop(func(s *enroll.Setup) loop { return loop{"setup", 4, s.Run} }),
		asLoop(func(w *enroll.Watch) loop { return loop{"moderation", 4, w.Run} }),
		asLoop(func(a *App) loop { return loop{"probes", 5, a.probeGenerators} }),
		asLoop(func(a *App, w woken) loop {
			return loop{"wake", 6, func(ctx context.Context) error { return a.passOnWakes(ctx, w) }}
		}),
		asLoop(func(a *App, st *store.Store, log *slog.Logger) loop {
			return loop{"models", 5, func(ctx context.Context) error { return a.watchModels(ctx, st, log) }}
		}),
		asLoop(func(a *App, st *store.Store) loop {
			return loop{"storage", 5, func(ctx context.Context) error { return a.watchStorage(ctx, st) }}
		}),
		asLoop(func(a *App) loop { return loop{"mark", 6, a.keepMark} }),
		asLoop(func(a *App, e *engine.Engine, st *store.Store) loop {
			return loop{"progress", 6, func(ctx context.Context) error { return a.logProgress(ctx, e, st) }}
		}),
		asLoop(func(l *backup.Loop) loop { return loop{"backup", 5, l.Run} }),
		asLoop(func(p *ping.Pinger) loop { return loop{"ping", 6, p.Run} }),
		asLoop(func(l *retention.Loop) loop { return loop{"retention", 6, l.Run} }),
		asLoop(func(b base, m *budget.Budget, c *consoleLoop) loop {
			return loop{"shared count", 6, shareLoop{b, m, c}.run}
		}),
		asLoop(func(b base, m *budget.Budget) loop { return loop{"metrics", 6, newHealth(b, m).run} }),
		asLoop(func(c *consoleLoop, a *App, p *intake.Poller, e *engine.Engine, m *budget.Budget) loop {
			c.daemon = controlled{a, p, e, m, c}
			return loop{"console", 6, c.run}
		}),
		asLoop(func(m *thumb.Maker) loop { return loop{"thumbnails", 6, m.Run} }),
		asLoop(func(a *announce.Announcer) loop { return loop{"notifications", 6, a.Run} }),
		asLoop(func(e *engine.Engine) loop { return loop{"engine", 7, e.Run} }),
		asLoop(func(a *App) loop { return loop{"watchdog", 8, a.feedWatchdog} }),
		asLoop(func(a *App) loop { return loop{"status line", 6, a.showStatus} }),
		// Commands are answered while the engine drains.
		asLoop(func(a *App, p *intake.Poller, e *engine.Engine, m *budget.Budget, c *consoleLoop) loop {
			return loop{"control", 8, controlled{a, p, e, m, c}.run}
		}),
	)
}

// failure is how a loop ends the daemon.
type failure chan error

// start hooks the loops into the life of the daemon. Hooks stop in the reverse
// order of their start.
func (a *App) start(in loops, ended failure) {
	slices.SortFunc(in.Loops, func(x, y loop) int { return cmp.Compare(y.stop, x.stop) })
	for _, l := range in.Loops {
		in.Lifecycle.Append(a.hook(l, in.Log, ended))
	}
}

// hook turns a blocking run into a pair of hooks. Its context is fresh, because
// the one of a start hook ends with the start.
func (a *App) hook(l loop, log *slog.Logger, ended failure) fx.Hook {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	return fx.Hook{
		OnStart: func(context.Context) error {
			in, turnedLast := a.activity.loops.Start(ctx, l.name)
			a.loops.Go(func() {
				defer close(done)
				defer turnedLast()
				if err := l.run(in); err != nil && ctx.Err() == nil {
					log.Error("a loop of the daemon failed", "loop", l.name, "error", err)
					select {
					case ended <- fmt.Errorf("the daemon stopped after an internal error of its loop %s: %w", l.name, err):
					default: // another loop has ended the daemon
					}
				}
			})
			return nil
		},
		OnStop: func(stop context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-stop.Done():
				return fmt.Errorf("%s did not stop in time", l.name)
			}
		},
	}
}

const (
	// stopGrace is how long the loops may take to stop beyond the drain time.
	stopGrace = 10 * time.Second
	// cutGrace is how long work that StopNow has cut may take to end.
	cutGrace = 500 * time.Millisecond
)

// Run runs the daemon until ctx ends, lets running work finish for up to
// work.drain, and returns nil. If a loop fails, Run stops the others and returns
// that error. It is a *config.Error if the address for metrics is taken.
func (a *App) Run(ctx context.Context) error {
	if err := a.openMetricsPort(); err != nil {
		return err
	}
	log, ended := a.o.Log, make(failure, 1)
	var e *engine.Engine
	var pinger *ping.Pinger
	var changing changing
	var daemon *fx.App
	if err := a.o.waitForHost(ctx, func() error {
		daemon = fx.New(a.module(), daemonLoops(), fx.Supply(ended), fx.Invoke(a.prepareWork, notifyOfCommits, wakeOnRecovery, reconsiderWindows, a.start), fx.Populate(&e, &pinger, &changing),
			fx.StartTimeout(time.Minute), fx.WithLogger(fxLog))
		return dig.RootCause(daemon.Err())
	}); err != nil {
		return err
	}
	startCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), daemon.StartTimeout())
	defer cancel()
	if err := daemon.Start(startCtx); err != nil {
		return dig.RootCause(err)
	}
	reloading, endReloads := context.WithCancel(context.WithoutCancel(ctx))
	r := &reloader{app: a, parts: changing, running: reloading}
	a.reloader.Store(r)
	a.activity.started()
	a.o.Service.Ready()
	log.Info("running", "version", Version(), "data", a.o.Config.DataDir, "agent", a.credentials.current().AgentID,
		"credentials", a.credentials.From())
	var err error
	select {
	case <-ctx.Done():
	case err = <-a.leaseLost():
		log.Error("another host has the lease; stopping", "error", err)
		a.failed = err.Error()
	case err = <-ended:
		pingFailure(pinger)
		a.failed = err.Error()
	}
	endReloads()
	r.end()
	a.end(daemon, e)
	return err
}

// end stops the loops, and cuts their work when StopNow is called.
func (a *App) end(daemon *fx.App, e *engine.Engine) {
	log := a.o.Log
	ctx, cancel := context.WithTimeout(context.Background(), a.config().Work.Drain+stopGrace)
	defer cancel()
	stopped := make(chan struct{})
	a.loops.Go(func() {
		select {
		case <-stopped:
		case <-a.stopNow:
			e.StopNow()
			time.AfterFunc(cutGrace, cancel)
		}
	})
	a.activity.stops()
	a.o.Service.Stops("stopping; work that runs may finish first", a.config().Work.Drain+stopGrace+closeWithin)
	a.announceStop(e.Running())
	err := daemon.Stop(ctx)
	close(stopped)
	if err != nil {
		log.Warn("stopped before all work had ended; the next run does it again", "error", err)
		return
	}
	log.Info("stopped")
}

// announceStop logs what a stop waits for.
func (a *App) announceStop(running []engine.Attempt) {
	if len(running) == 0 {
		a.o.Log.Info("stopping")
		return
	}
	a.o.Log.Info("stopping; running work may finish first", "running", len(running), "drain", a.config().Work.Drain.String(),
		"hint", "a second ctrl-c or SIGTERM stops at once; the next run does again what was cut")
	for _, r := range running {
		a.o.Log.Info("still running", "order", r.Job.OrderID, "job", r.Job.ID, "stage", r.Job.Stage, "attempt", r.Job.Attempt,
			"since", r.Since.UTC().Format(time.RFC3339))
	}
}

// woken are the parts that commands concern.
type woken struct {
	fx.In
	Engine  *engine.Engine
	Checker *reconcile.Checker
	Cancels *canceller.Loop
	Threads *intake.Threads
	Pauses  *pauses
}

// passOnWakes lets the loops that commands concern look at the database at each Wake.
// What the owner has paused is looked at each minute as well, and when a pause is over,
// because a command may be unable to wake the daemon.
func (a *App) passOnWakes(ctx context.Context, w woken) error {
	for next := time.Duration(0); ; {
		woken := beat.Sleep(ctx, next, a.wake)
		if ctx.Err() != nil {
			return nil
		}
		next = w.Pauses.look(ctx)
		a.live.Load().services.resumeByOwner(ctx, a.store, a.o.Log)
		if woken {
			w.Engine.Wake(true, true, true)
			w.Checker.Wake()
			w.Cancels.Wake()
			w.Threads.Wake()
		}
	}
}

// notifyOfCommits wakes the loops that a commit concerns.
func notifyOfCommits(b base, e *engine.Engine, t *intake.Threads, g *reconcile.Gate, l *canceller.Loop) {
	b.Store.Notify(func(c store.Change) {
		if c.SecondDaemon != "" && g.Stop(c.SecondDaemon) {
			b.Log.Error("new paid calls, deliveries, quotes and messages wait", "reason", c.SecondDaemon,
				"hint", "stop the other daemon, then run "+order.Command("reconcile --accept"))
		}
		e.Wake(c.Generate, c.Network, c.Revoked)
		if c.Threads {
			t.Wake()
		}
		if c.Cancellations {
			l.Wake()
		}
	})
}

// wakeOnRecovery has what failed in an outage tried again when a poll shows that it is
// over.
func wakeOnRecovery(p *intake.Poller, t *intake.Threads, s *enroll.Setup) {
	p.OnRecovery(func() {
		t.Wake()
		s.Wake()
	})
}

// reconsiderWindows makes the deliveries of windows due. When they are delivered
// depends on the configuration, which may have changed since they were put off.
func reconsiderWindows(st *store.Store) error { return st.RunNow(order.CodeWindow) }

func fxLog(log *slog.Logger) fxevent.Logger {
	l := &fxevent.SlogLogger{Logger: log}
	l.UseLogLevel(slog.LevelDebug)
	return l
}

// Heartbeat polls once, does what can be done now, and returns. If one part fails,
// the others still run: work that is known already is done after a failed poll, and
// so are orders when a service cannot be listed. Only a refused key ends it at once.
func (a *App) Heartbeat(ctx context.Context) (err error) {
	var p struct {
		fx.In
		Engine  *engine.Engine
		Poller  *intake.Poller
		Threads *intake.Threads
		Reviews *intake.Reviews
		Setup   *enroll.Setup
		Watcher *bounty.Watcher
		Watch   *enroll.Watch
		Checker *reconcile.Checker
		Notices *announce.Announcer
		Cancels *canceller.Loop
		Pauses  *pauses
		Pinger  *ping.Pinger
		Backups *backup.Loop
		History *retention.Loop
	}
	parts := fx.New(a.module(), fx.Invoke(a.prepareWork, notifyOfCommits), fx.Populate(&p), fx.WithLogger(fxLog))
	if err := parts.Err(); err != nil {
		return dig.RootCause(err)
	}
	// The owner hears of what is wrong at the end, whatever that was.
	defer func() { err = errors.Join(err, p.Notices.Once(context.WithoutCancel(ctx))) }()
	p.Pauses.look(ctx)
	pollErr := p.Poller.Poll(ctx)
	p.Pinger.Once(ctx)
	if keyRefused(pollErr) {
		return pollErr // nothing else would fare better
	}
	var checkErr error
	if pollErr == nil {
		checkErr = p.Checker.Once(ctx)
	}
	_, setupErr := p.Setup.Once(ctx)
	_, threadErr := p.Threads.Once(ctx)
	bountyErr := p.Watcher.Once(ctx)
	_, reviewErr := p.Reviews.Once(ctx)
	err = errors.Join(pollErr, checkErr, setupErr, p.Watch.OnceIfDue(ctx), threadErr, bountyErr, reviewErr)
	if p.Checker.Reconciling() {
		return err // no work before the ledger is reconciled
	}
	_, cancelErr := p.Cancels.Once(ctx)
	err = errors.Join(err, cancelErr, p.Backups.Once(ctx))
	err = errors.Join(err, a.runUntilIdle(ctx, p.Engine))
	_, pruneErr := p.History.Once(ctx)
	return errors.Join(err, pruneErr)
}

// prepareWork makes the generators ready, before anything runs.
func (a *App) prepareWork() error { return a.makeReady(a.live.Load(), nil) }
