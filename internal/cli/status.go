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
	Quiet  bool          `help:"With --check: print nothing when all is well."`
	MaxAge time.Duration `help:"With --check: a heartbeat of \"atelierd once\" this long ago counts as running." placeholder:"1h"`
	Output
}

// Help explains the command.
func (StatusCmd) Help() string {
	return `Shows one screen: what needs you, each with the next command; then the orders that
have not ended, the requests sent to the marketplace and their limits, what was
spent today, and your services. It reads the database, sends nothing, and works
whether or not a daemon is running. "atelierd orders" lists the orders.

With --check it is for cron and monitoring: exit 0 is well, 1 means that something
needs you, and 2 that the agent earns nothing, because the daemon does not run, the
marketplace is not reached, its key is refused, or the configuration or the database
cannot be read.`
}

// Run runs the command.
func (c StatusCmd) Run(p *Program) error {
	if c.Check {
		return c.check(p)
	}
	if c.Quiet || c.MaxAge != 0 {
		return &UsageError{errors.New("--quiet and --max-age are for --check; add it")}
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		now := time.Now()
		v, err := readStatus(ctx, cfg, st, now)
		if err != nil {
			return err
		}
		return c.print(p, v, func(g *term.Page) { v.show(g, now) })
	})
}
