package cli

import (
	"context"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// StatusCmd shows the state of everything.
type StatusCmd struct {
	Output
}

// Help explains the command.
func (StatusCmd) Help() string {
	return `Shows one screen: what needs you, each with the next command; then the orders that
have not ended, the requests sent to the marketplace and their limits, what was
spent today, and your services. It reads the database, sends nothing, and works
whether or not a daemon is running. "atelierd orders" lists the orders.`
}

// Run runs the command.
func (c StatusCmd) Run(p *Program) error {
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		now := time.Now()
		v, err := readStatus(ctx, cfg, st, now)
		if err != nil {
			return err
		}
		return c.print(p, v, func(g *term.Page) { v.show(g, now) })
	})
}
