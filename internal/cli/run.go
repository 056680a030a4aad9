package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"atelierd/internal/app"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/systemd"
	"atelierd/internal/term"
)

// RunCmd runs the daemon.
type RunCmd struct {
	Takeover bool `help:"Take over from another host, which is off: compare the data folder with the marketplace, then work."`
	Confirm
}

// Help explains the command.
func (RunCmd) Help() string {
	return `Runs until SIGTERM or SIGINT. It then starts no new work, lets running work
finish for up to work.drain, and stops. A second SIGTERM or SIGINT stops it at once. No
work is lost: the next run resumes what was not finished. A lost reader of the log, or
one that does not read, stops nothing. SIGHUP reads the configuration again, like "atelierd reload".

A data folder that was restored from another host does not start by itself, because that
host may still work. --takeover asks you to confirm that it is off. The folder counts as
restored then: before anything is paid for or sent, it is compared with the marketplace.

Meanwhile "atelierd status" and "atelierd orders" show what happens.`
}

// Run runs the command.
func (c RunCmd) Run(p *Program) error {
	if err := c.mayTakeOver(p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	defer p.detach()()
	signals, hangups := newSignals(), newHangups()
	service := systemd.New(p.Getenv, p.log())
	defer service.Close()
	// Neither an unreachable marketplace nor a full disk ends a daemon.
	a, err := p.open(ctx, app.Options{Takeover: c.Takeover, Service: service, Control: true, WaitForMarket: true, WaitForHost: true})
	if err != nil {
		return stopped(ctx, err)
	}
	defer a.Close()
	defer signals.onSecond(func() {
		p.log().Info("second signal; stopping at once")
		a.StopNow()
	})()
	defer hangups.each(func() { _ = a.Reload() })() // it logs the outcome
	return stopped(ctx, a.Run(ctx))
}

// stopped returns nil if err is only that a signal ended the start.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// mayTakeOver asks the owner whether the host that worked before is off.
func (c RunCmd) mayTakeOver(p *Program) error {
	if !c.Takeover {
		return nil
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if err := hasLedger(cfg.DataDir); err != nil {
		return err
	}
	last, here := app.LastHost(context.Background(), p.options(cfg))
	who := "the host that worked with this data folder before"
	if last != "" && last != here {
		who = "host " + term.Sanitize(last)
	}
	return c.ask(p, "This host, "+term.Sanitize(here)+", takes over from "+who+". While the daemon there still runs, or is started again, both pay for the same work and deliver the same orders, "+
		"and the later delivery replaces the earlier one. Is that host off, and does nothing start it again?", "yes")
}

// hasLedger fails if a data folder has no database. A daemon would begin with an empty one,
// and register another agent where there are no credentials either.
func hasLedger(dir string) error {
	if err := store.Lost(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, store.FileName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Hintf(fmt.Errorf("the data folder %s has no database, so there is nothing to take over", dir),
		"restore the agent into it with %s, or set data_dir in the configuration to the restored folder", order.Command("restore FROM"))
}

// hangups receives SIGHUP from before there is anything to reload, because one that came
// then would end the process. It receives none if the parent ignores SIGHUP, as nohup does.
type hangups chan os.Signal

func newHangups() hangups {
	h := make(hangups, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(h, syscall.SIGHUP)
	}
	return h
}

// each calls f at each SIGHUP until release is called. release waits for a call under way.
func (h hangups) each(f func()) (release func()) {
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for {
			select {
			case <-h:
				f()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		waiting.Wait()
	}
}

// untilStopped returns a context that ends at a signal that stops a command. SIGHUP does not
// if the parent has it ignored, as nohup does. The release restores their defaults.
func untilStopped() (ctx context.Context, release func()) {
	stops := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) {
		stops = append(stops, syscall.SIGHUP)
	}
	return signal.NotifyContext(context.Background(), stops...)
}

// detach makes the log independent of its reader until release. One that does not
// read blocks no work. One that has gone does not end the process: a write to its pipe
// would raise SIGPIPE. The signal is caught until the process ends, and not ignored,
// because generators would inherit that.
func (p *Program) detach() (release func()) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	log, flush := term.NewDetachedLog(p.Stderr, p.logOptions())
	p.logger = log
	return func() {
		flush()
		p.logger = nil
	}
}

// signals counts the signals that stop the daemon at once when they are repeated. It is made
// before the first one can end the run, so that a second one right after it is not lost.
type signals chan os.Signal

func newSignals() signals {
	s := make(signals, 2)
	signal.Notify(s, syscall.SIGTERM, syscall.SIGINT)
	return s
}

// onSecond calls f at the second signal.
func (s signals) onSecond(f func()) (release func()) {
	done := make(chan struct{})
	go func() {
		for range 2 {
			select {
			case <-s:
			case <-done:
				return
			}
		}
		f()
	}()
	return func() {
		signal.Stop(s)
		close(done)
	}
}
