package cli

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"atelierd/internal/app"
	"atelierd/internal/config"
)

// WorkerCmd makes calls that agents hand out.
type WorkerCmd struct{}

// Help explains the command.
func (WorkerCmd) Help() string {
	return `Makes the calls that agents hand out over NATS, with the generators of this machine, until
SIGTERM or SIGINT. It then takes no call, and those that run may finish within
worker.drain. The configuration is a file of its own: atelierd worker --config worker.toml.
See docs/cluster.md.

A worker has no key of the marketplace, and does not start where it finds one.`
}

// Run runs the command.
func (WorkerCmd) Run(p *Program) error {
	if p.configPath() == "" {
		return &UsageError{errors.New("a worker has a configuration of its own; name it with --config FILE")}
	}
	w, err := config.LoadWorker(p.configPath())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	defer p.detach()()
	made, queue, err := app.OpenWorker(w, p.log(), p.Getenv, app.Version())
	if errors.Is(err, app.ErrMarketKey) {
		return Hintf(err, "run the worker as another user, or remove the key")
	}
	if err != nil {
		return err
	}
	defer queue.Close()
	defer made.Close()
	p.log().Info("worker started", "worker", w.Name, "routes", len(w.Routes))
	made.Run(ctx)
	p.log().Info("worker stopped", "worker", w.Name)
	return nil
}
