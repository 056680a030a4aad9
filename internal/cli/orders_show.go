package cli

import (
	"context"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// OrdersShowCmd shows one order.
type OrdersShowCmd struct {
	Order string `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Output
}

// Help explains the command.
func (OrdersShowCmd) Help() string {
	return `Shows what the client asked for, the files, each attempt with its error and cost,
the deliveries, the messages, and a timeline. The client's text is escaped, and
stands behind a bar.`
}

// Run runs the command.
func (c OrdersShowCmd) Run(p *Program) error {
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		id, err := findOrder(ctx, st, c.Order)
		if err != nil {
			return err
		}
		v, err := reader(cfg, st).Order(ctx, id)
		if err != nil {
			return err
		}
		whoWorks(ctx, cfg, v.Calls)
		now := time.Now()
		return c.print(p, v, func(g *term.Page) {
			page := orderPage{Page: g, v: v, now: now}
			page.show()
		})
	})
}
