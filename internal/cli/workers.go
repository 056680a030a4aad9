package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// WorkersCmd lists the workers on other machines.
type WorkersCmd struct {
	Output
}

// Help explains the command.
func (WorkersCmd) Help() string {
	return `Lists the workers that make calls on other machines: what each serves, how many calls it
can make at the same time and makes now, and when it was last heard of. See
docs/cluster.md.`
}

// workerView is a worker. The command prints it.
type workerView struct {
	Name    string    `json:"name"`
	Route   string    `json:"route"`
	State   string    `json:"state"` // working, free or silent
	Slots   int       `json:"slots"`
	Busy    int       `json:"busy"`
	Seen    time.Time `json:"seen_at"`
	Program string    `json:"program"`
	Version int       `json:"wire_version"`

	silent time.Duration
}

func viewWorker(w natsq.Worker) workerView {
	v := workerView{
		Name: w.Name, Route: w.Route, Slots: w.Slots, Busy: w.Busy, Seen: w.Seen.UTC(), Program: w.Program, Version: w.Version, silent: w.Silent, State: "free",
	}
	switch {
	case !w.Alive():
		v.State = "silent"
	case w.Busy > 0:
		v.State = "working"
	}
	return v
}

// Run runs the command.
func (c WorkersCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	return withQueue(cfg, func(ctx context.Context, q *natsq.Queue) error {
		list, err := q.Workers(ctx, "")
		if err != nil {
			return err
		}
		views := []workerView{}
		for _, w := range list {
			views = append(views, viewWorker(w))
		}
		return c.print(p, views, func(g *term.Page) {
			if len(views) == 0 {
				g.Linef("no worker is there; run atelierd worker on a machine that serves a route")
			}
			for _, v := range views {
				g.Linef("%s  route %s  %s  %d of %d busy  heard of %s ago", term.Line(v.Name, 40), term.Line(v.Route, 40), v.State, v.Busy, v.Slots, words.Span(v.silent))
			}
		})
	})
}

// withQueue runs a command that talks to NATS.
func withQueue(cfg *config.Config, do func(context.Context, *natsq.Queue) error) error {
	return withQueueAs(agentSide, cfg, do)
}

func withQueueAs(side string, cfg *config.Config, do func(context.Context, *natsq.Queue) error) error {
	if !cfg.NATS.On() {
		return Hintf(errors.New("no NATS server is configured"), "see docs/cluster.md and set nats.urls")
	}
	ctx, stop := untilStopped()
	defer stop()
	q, err := natsq.Open(app.NATSOptions(cfg.NATS, side, slog.New(slog.DiscardHandler)))
	if err != nil {
		return Hintf(err, "see whether the servers of nats.urls run and know the nkey")
	}
	defer q.Close()
	err = do(ctx, q)
	if errors.Is(err, natsq.ErrNotSetUp) {
		err = Hintf(err, "run %s", order.Command("nats setup"))
	}
	return err
}

// NATSCmd is the group of commands about the servers that carry calls.
type NATSCmd struct {
	Setup NATSSetupCmd `cmd:"" help:"Create the stream and buckets, or make keys and print the permissions."`
}

// NATSSetupCmd creates what calls need, or prints permissions.
type NATSSetupCmd struct {
	Routes   []string `help:"Route that gets a queue, next to those of the configuration. May be repeated." name:"route" placeholder:"ROUTE"`
	Keys     []string `help:"Make nkeys in the folder --out and print the servers' permissions, and create nothing: agent, setup, or WORKER=ROUTE[+ROUTE]. May be repeated." name:"key" placeholder:"NAME"`
	NKeyFile string   `help:"File with the seed of the key setup, in place of nats.nkey_file." name:"nkey-file" placeholder:"FILE" type:"path"`
	Out      string   `help:"Folder for the seeds of --key." default:"." placeholder:"FOLDER" type:"path"`
}

// Help explains the command.
func (NATSSetupCmd) Help() string {
	return `Creates the stream GEN with a queue for each route, and the buckets for records, workers,
files, leases and the count of requests, or brings them up to date. nats.replicas says how many servers keep each.
Nothing else creates them. The routes are those of the generators of type nats.

With --key the command makes a key for the agent, a worker or this command, writes its
seed into the folder --out, and prints the entry for "authorization { users = [...] }" of
the servers. Each key lets its side do what it needs and nothing else: a worker serves its
routes, the agent uses those of the configuration and --route, and setup alone creates what
they need. See docs/cluster.md.`
}

// Run runs the command.
func (c NATSSetupCmd) Run(p *Program) error {
	if len(c.Keys) > 0 {
		return c.keys(p)
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	routes := routesOf(cfg, c.Routes)
	if len(routes) == 0 && !cfg.NATS.Lease && cfg.Budget.SharedWith != config.SharedNATS {
		return errNoRoute
	}
	if c.NKeyFile != "" {
		cfg.NATS.Key = config.Secret{File: c.NKeyFile}
	}
	return withQueueAs(setupSide, cfg, func(ctx context.Context, q *natsq.Queue) error {
		if err := q.Setup(ctx, natsq.SetupOptions{Routes: routes, Replicas: cfg.NATS.Replicas}); err != nil {
			return Hintf(err, "see whether the servers have JetStream on, and as many as nats.replicas says")
		}
		return p.say("created or up to date: the stream %s, the buckets, and the queues of %s; kept by %s",
			natsq.StreamJobs, cmp.Or(strings.Join(routes, ", "), "no route"), words.Count(cfg.NATS.Replicas, "server"))
	})
}

// The names of the sides that are no workers.
const agentSide, setupSide = "agent", "setup"

var (
	// errNoName says what --key takes.
	errNoName  = errors.New("--key is agent, setup, or WORKER=ROUTE[+ROUTE] of letters, digits, _ and -")
	errNoRoute = Hintf(errors.New("no route is known"), "configure a generator of type nats, or name routes with --route")
)
