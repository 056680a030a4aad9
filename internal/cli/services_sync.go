package cli

import (
	"context"

	"atelierd/internal/words"
)

// ServicesSyncCmd updates the services at the marketplace.
type ServicesSyncCmd struct {
	Confirm
	DryRun bool `help:"Only show what would change."`
}

// Help explains the command.
func (ServicesSyncCmd) Help() string {
	return `Shows what would change, and asks. It sends only the fields that differ. Missing
services are listed, also those that you have retired. It removes nothing.`
}

// Run runs the command.
func (c ServicesSyncCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		plan, err := m.PlanServices(ctx)
		if err != nil {
			return err
		}
		g := p.Page()
		showPlan(g, plan.View)
		if err := g.Print(p.Stdout); err != nil {
			return err
		}
		changes := plan.Changes()
		if changes == 0 || c.DryRun {
			return nil
		}
		if err := c.ask(p, "\nThis changes "+words.Count(changes, "service")+".", "yes"); err != nil {
			return err
		}
		if err := m.Sync(ctx, plan); err != nil {
			return err
		}
		return m.synced(ctx, p)
	})
}
