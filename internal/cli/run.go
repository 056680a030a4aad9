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
	a, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	defer onWake(a.Wake)()
	defer onSecondSignal(ctx, func() {
		p.log().Info("second signal; stopping at once")
		a.StopNow()
	})()
	return a.Run(ctx)
}

// onSecondSignal calls f at the first signal after ctx has ended.
func onSecondSignal(ctx context.Context, f func()) (release func()) {
	again := make(chan os.Signal, 1)
	done := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
			return
		}
		signal.Notify(again, syscall.SIGTERM, syscall.SIGINT)
		select {
		case <-again:
			f()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(again)
		close(done)
	}
}
