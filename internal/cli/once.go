package cli

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"atelierd/internal/store"
)

// OnceCmd is one heartbeat.
type OnceCmd struct{}

// Help explains the command.
func (OnceCmd) Help() string {
	return `For a scheduler that calls it now and then instead of a daemon. It polls once,
does what can be done now, and stops. While a daemon runs on the same data folder
it prints nothing and exits with 0. Work that has to wait, for a retry or for a
request to be left, is done by a later heartbeat.`
}

// Run runs the command.
func (OnceCmd) Run(p *Program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	a, err := p.open(ctx, false)
	if errors.Is(err, store.ErrLocked) {
		return ErrQuiet
	}
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Heartbeat(ctx)
}
