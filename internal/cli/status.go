package cli

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// StatusCmd shows the state of everything.
type StatusCmd struct {
	Check  bool          `help:"Say in the exit code whether all is well: 0 well, 1 something needs you, 2 the agent earns nothing."`
	Watch  bool          `help:"Show the status again and again, until ctrl-c."`
	All    bool          `help:"Show the agents that share the requests of this address."`
	Alive  bool          `help:"Say in the exit code whether the daemon is up and its loops turn: 0 yes, 1 no."`
	Quiet  bool          `help:"With --check or --alive: print nothing when all is well."`
	MaxAge time.Duration `help:"With --check: a heartbeat of \"atelierd once\" this long ago counts as running." placeholder:"1h"`
	Output
}

// Help explains the command.
func (StatusCmd) Help() string {
	return `Shows one screen: what needs you, each with the next command; then the orders that
have not ended, the requests sent to the marketplace and their limits, what was
spent today, and your services. It reads the database, sends nothing, and works
whether or not a daemon is running. What the marketplace shows of the agent is as it
was last read. "atelierd orders" lists the orders.

With --all it lists the agents that share the requests of the address (the folder
budget.shared_with): whether each runs, how many things need you, its open orders, and
how many requests of the window it has used.
With --check it is for cron and monitoring: exit 0 is well, 1 means that something
needs you, and 2 that the agent earns nothing, because the daemon does not run, the
marketplace is not reached, its key is refused, or the configuration or the database
cannot be read.

With --alive it is for the health check of a container: exit 0 means that the daemon
is up and its loops turn, whether or not the marketplace is reached, and 1 that a
restart may help.`
}

// Run runs the command.
func (c StatusCmd) Run(p *Program) error {
	switch {
	case c.All && (c.Check || c.Alive || c.Watch):
		return &UsageError{errors.New("--all excludes --check, --alive and --watch")}
	case c.Check && c.Alive, c.Watch && (c.Check || c.Alive):
		return &UsageError{errors.New("--check, --alive and --watch exclude each other")}
	case c.MaxAge != 0 && !c.Check, c.Quiet && !c.Check && !c.Alive:
		return &UsageError{errors.New("--quiet and --max-age are for --check; add it")}
	case c.All:
		return c.all(p)
	case c.Check:
		return c.check(p)
	case c.Alive:
		return c.alive(p)
	case c.Watch:
		return c.watch(p)
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		v, err := reader(cfg, st).Status(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		return c.print(p, v, func(g *term.Page) { showStatus(g, v, now) })
	})
}
