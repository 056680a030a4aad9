package app

import (
	"errors"
	"fmt"
	"log/slog"

	"atelierd/internal/config"
	"atelierd/internal/natsq"
	"atelierd/internal/worker"
)

// ErrMarketKey means that a key of the marketplace was found where a worker starts.
var ErrMarketKey = errors.New("a key of the marketplace is on this machine, and workers must have none")

// OpenWorker returns a worker with its configured generators, and its connection, which the
// caller closes after it. It refuses a machine on which it finds a key of the marketplace.
func OpenWorker(w *config.Worker, log *slog.Logger, getenv func(string) string, program string) (*worker.Worker, *natsq.Queue, error) {
	cfg := &config.Config{Dir: w.Dir, DataDir: w.DataDir, Generators: w.Generators, NATS: w.NATS}
	keys, found, err := FindCredentials(cfg, getenv)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w, or what may hold one cannot be read: %w", ErrMarketKey, err)
	case found:
		return nil, nil, fmt.Errorf("%w: %s", ErrMarketKey, keys.From())
	}
	m := maker{cfg: cfg, log: log, credentials: func() *Credentials { return nil }}
	generators, err := m.generators()
	if err != nil {
		return nil, nil, err
	}
	q, err := natsq.Open(NATSOptions(w.NATS, w.Name, log))
	if err != nil {
		return nil, nil, err
	}
	o := worker.Options{Queue: q, Name: w.Name, Dir: w.DataDir, Drain: w.Drain, Program: program, Log: log.With("worker", w.Name)}
	for _, r := range w.Routes {
		g := generators[r.Generator]
		o.Routes = append(o.Routes, worker.Route{Name: r.Name, Backend: g.Backend, Free: g.Free, Slots: r.Slots})
	}
	made, err := worker.Open(o)
	if err != nil {
		q.Close()
		return nil, nil, err
	}
	return made, q, nil
}
