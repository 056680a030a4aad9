package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/config"
	"atelierd/internal/engine"
	"atelierd/internal/enroll"
	"atelierd/internal/intake"
	"atelierd/internal/store"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// runCmd runs the daemon.
type runCmd struct{}

func (runCmd) Help() string {
	return `Runs until it gets SIGTERM or SIGINT. It then takes nothing new, lets running
work go on for work.drain, and stops; a second signal stops it at once. Neither
loses work: what was not finished is done by the next run.

Beside it, "atelierd status" and "atelierd orders" show what is going on.`
}

func (runCmd) Run(p *program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ready, err := p.prepare(ctx, true)
	if err != nil {
		return err
	}
	defer ready.st.Close()
	if ready.hook, err = listen(ready.cfg); err != nil {
		return err
	}
	return serve(ctx, ready)
}

// daemon is the set of loops that serve starts, in this order.
func daemon(ready *prepared) fx.Option {
	return fx.Options(
		fx.Supply(ready.cfg, ready.log, ready.st, ready.keys, ready.shop, ready.hook, transport{}),
		fx.Provide(newBudget, newClient, newFulfiller, newEngine, newPoller, newThreads, newBountyWatcher, newSetup),
		fx.Invoke(notify, start),
	)
}

// start hooks the loops into the life of the process. They stop in the reverse
// order: polling first, the engine, which may drain for long, last.
func start(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, e *engine.Engine, s *enroll.Setup, t *intake.Threads, h *bounty.Watcher, p *intake.Poller,
	port hook, cfg *config.Config, st *store.Store, keys *keyring, c *atelier.Client, shop *workshop) error {
	if err := shop.gens.begin(st, log); err != nil {
		return err
	}
	loop(lc, sd, log, "engine", e.Run)
	loop(lc, sd, log, "probes", shop.gens.probe)
	loop(lc, sd, log, "setup", s.Run)
	loop(lc, sd, log, "owner", func(ctx context.Context) error { return wakeBySignal(ctx, e) })
	loop(lc, sd, log, "threads", t.Run)
	loop(lc, sd, log, "bounties", h.Run)
	loop(lc, sd, log, "poll", p.Run)
	if port.Listener != nil {
		loop(lc, sd, log, "webhooks", func(ctx context.Context) error {
			return serveWebhooks(ctx, port, cfg, st, keys, c, p, h, log)
		})
	}
	return nil
}

// loop turns a blocking Run into a pair of hooks. Its context is fresh, since
// the one of a start hook ends with the start. A loop that ends before it is
// told to, with an error, ends the process.
func loop(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				if err := run(ctx); err != nil && ctx.Err() == nil {
					log.Error("a loop ended", "loop", name, "error", err)
					// It fails only when the process is already stopping.
					_ = sd.Shutdown(fx.ExitCode(exitFailure))
				}
			}()
			return nil
		},
		OnStop: func(stop context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-stop.Done():
				return fmt.Errorf("%s did not stop in time", name)
			}
		},
	})
}

// stopGrace is how long the loops may take to stop beyond the drain time.
const stopGrace = 10 * time.Second

// serve runs the daemon until it is told to stop: by a signal, which ends ctx,
// or by one of its loops.
func serve(ctx context.Context, ready *prepared) error {
	log := ready.log
	var e *engine.Engine
	app := fx.New(daemon(ready), fx.Populate(&e),
		fx.StartTimeout(time.Minute), fx.StopTimeout(ready.cfg.Work.Drain+stopGrace),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log}
			l.UseLogLevel(slog.LevelDebug)
			return l
		}))
	if err := app.Err(); err != nil {
		return dig.RootCause(err)
	}
	startCtx, cancel := context.WithTimeout(context.Background(), app.StartTimeout())
	defer cancel()
	if err := app.Start(startCtx); err != nil {
		return dig.RootCause(err)
	}
	log.Info("running", "version", version(), "data", ready.cfg.DataDir, "agent", ready.keys.credentials().AgentID,
		"credentials", ready.keys.where())
	var exit int
	select {
	case <-ctx.Done():
	case sig := <-app.Wait():
		exit = sig.ExitCode
	}
	stopCtx, cancelStop := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancelStop()
	release := hurryOnSignal(e, log, cancelStop)
	defer release()
	log.Info("stopping", "drain", ready.cfg.Work.Drain.String())
	if err := app.Stop(stopCtx); err != nil {
		log.Warn("stopped without waiting for the rest; the next run does it again", "error", err)
	} else {
		log.Info("stopped")
	}
	if exit != 0 {
		return fmt.Errorf("the daemon ended by itself; its log says why")
	}
	return nil
}

// hurryOnSignal cuts running work at the next SIGTERM or SIGINT, and gives up
// waiting a moment later.
func hurryOnSignal(e *engine.Engine, log *slog.Logger, giveUp func()) (release func()) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		select {
		case <-again:
			log.Info("second signal; stopping at once")
			e.StopNow()
			time.AfterFunc(500*time.Millisecond, giveUp)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(again)
		close(done)
	}
}

// wakeBySignal looks at the database anew at each SIGUSR1, by which the owner's
// commands tell the daemon of a change.
func wakeBySignal(ctx context.Context, e *engine.Engine) error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	defer signal.Stop(told)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-told:
			e.Wake(true, true, true)
		}
	}
}
