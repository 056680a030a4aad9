package cli

import (
	"context"
	"fmt"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// OrdersAssignCmd names the service of an order.
type OrdersAssignCmd struct {
	Order   string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Service string `arg:"" help:"The title of one of your services." name:"service"`
	Output
}

// Help explains the command.
func (OrdersAssignCmd) Help() string {
	return `For an order that matches none of your services, such as one of a bounty or of a
service that you have renamed. Its generator, prompt and rules then make the order.
No poll and no change of the configuration gives the order another service
afterwards; only this command does.`
}

// Run runs the command.
func (c OrdersAssignCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	title, err := serviceTitle(cfg, c.Service)
	if err != nil {
		return err
	}
	return c.change(p, change{
		order: c.Order, done: fmt.Sprintf("is for the service %q", title),
		do: func(ctx context.Context, owner store.Owner, id string) error {
			catalog, err := app.Catalogs(cfg, owner.Store)(ctx)
			if err != nil {
				return err
			}
			return owner.Assign(ctx, id, title, catalog.Decide)
		},
	})
}

// serviceTitle returns the title of the configured service that a text names.
func serviceTitle(cfg *config.Config, text string) (string, error) {
	var titles []string
	for _, s := range cfg.Services {
		if order.SameTitle(s.Title, text) {
			return s.Title, nil
		}
		titles = append(titles, fmt.Sprintf("%q", s.Title))
	}
	return "", &UsageError{fmt.Errorf("%.100q is not the title of a service; there are %s", text, strings.Join(titles, ", "))}
}
