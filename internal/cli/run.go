package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// RunCmd runs the daemon.
type RunCmd struct{}

// Help explains the command.
func (RunCmd) Help() string {
	return `Runs until SIGTERM or SIGINT. It then starts no new work, lets running work finish
for up to work.drain, and stops. A second signal stops it at once. No work is lost:
the next run resumes what was not finished.

Meanwhile "atelierd status" and "atelierd orders" show what happens.`
}

// Run runs the command.
func (RunCmd) Run(p *Program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signals := newSignals()
	a, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	defer onWake(a.Wake)()
	defer signals.onSecond(func() {
		p.log().Info("second signal; stopping at once")
		a.StopNow()
	})()
	return a.Run(ctx)
}

// signals counts the signals that stop the daemon. It is made before the first
// one can end the run, so that a second one right after it is not lost.
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
