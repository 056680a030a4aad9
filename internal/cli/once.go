package cli

import (
	"errors"

	"atelierd/internal/app"
	"atelierd/internal/store"
)

// OnceCmd does one heartbeat.
type OnceCmd struct{}

// Help explains the command.
func (OnceCmd) Help() string {
	return `For a scheduler such as cron, instead of a daemon. Polls once, does the work that
is due, and stops. Work that has to wait, for a retry or for the next request
window, is done by a later heartbeat. While a daemon runs on the same data folder,
it prints nothing and exits with 0.`
}

// Run runs the command.
func (OnceCmd) Run(p *Program) error {
	ctx, stop := untilStopped()
	defer stop()
	defer p.detach()()
	a, err := p.open(ctx, app.Options{})
	if errors.Is(err, store.ErrLocked) {
		return ErrQuiet
	}
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Heartbeat(ctx)
}
