package app

import (
	"log/slog"
	"os"
	"sync"

	"atelierd/internal/config"
	"atelierd/internal/generate"
	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/secret"
)

// agentName is how the agent's side is known at the servers of NATS.
const agentName = "agent"

// link is a connection to NATS that is made when it is first needed.
type link struct {
	options natsq.Options

	mu    sync.Mutex
	queue *natsq.Queue
}

func newLink(n config.NATS, name string, log *slog.Logger) *link {
	return &link{options: NATSOptions(n, name, log)}
}

// NATSOptions returns how a side of the given name reaches the servers.
func NATSOptions(n config.NATS, name string, log *slog.Logger) natsq.Options {
	o := natsq.Options{URLs: n.URLs, Name: name, CAFile: n.CAFile, Log: log}
	if n.Key.On() {
		o.Seed = func() (secret.Text, error) { return readSecret(n.Key, os.Getenv) }
	}
	return o
}

// open returns the connection. One that is made connects again by itself.
func (l *link) open() (*natsq.Queue, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue == nil {
		q, err := natsq.Open(l.options)
		if err != nil {
			return nil, err
		}
		l.queue = q
	}
	return l.queue, nil
}

// close ends the connection.
func (l *link) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queue == nil {
		return nil
	}
	err := l.queue.Close()
	l.queue = nil
	return err
}

// handedOut makes a generator whose calls are made by workers.
func (m maker) handedOut(g config.Generator, log *slog.Logger) (generate.Generator, error) {
	return cluster.New(cluster.Options{
		Open: m.queue.open, Route: g.Route, Timeout: g.Timeout, AcceptWithin: g.AcceptWithin, LostAfter: g.LostAfter, Log: log,
		Agent: func() string {
			if c := m.credentials(); c != nil && c.AgentID() != "" {
				return c.AgentID()
			}
			return "unknown"
		},
	})
}
