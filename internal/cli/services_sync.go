package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
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
		plan, v, err := m.planServices(ctx)
		if err != nil {
			return err
		}
		g := p.Page()
		showPlan(g, v)
		if err := g.Print(p.Stdout); err != nil {
			return err
		}
		changes := 0
		for _, s := range plan {
			if s.Step == enroll.StepCreate || s.Step == enroll.StepChange {
				changes++
			}
		}
		if changes == 0 || c.DryRun {
			return nil
		}
		if err := c.ask(p, "\nThis changes "+words.Count(changes, "service")+".", "yes"); err != nil {
			return err
		}
		for _, s := range plan {
			if err := m.apply(ctx, s); err != nil {
				return fmt.Errorf("service %q: %w", s.Title, err)
			}
		}
		return m.synced(ctx, p)
	})
}

// apply does what the plan says about one service. A service to be created is
// stored first, so that a running daemon does not create it too.
func (m market) apply(ctx context.Context, s enroll.Planned) error {
	listed := order.Listed{Title: s.Title, RemoteID: s.ID, State: order.ServiceListed}
	switch s.Step {
	case enroll.StepChange:
		if err := m.Client.UpdateService(ctx, s.ID, s.Patch); err != nil {
			return err
		}
	case enroll.StepCreate:
		if err := m.Owner.PutService(order.Listed{Title: s.Title, State: order.ServiceCreating}); err != nil {
			return err
		}
		made, err := m.Client.CreateService(ctx, s.Want)
		if err != nil {
			if atelier.OutcomeUnknown(err) {
				return Hintf(err, "%s shows whether it arrived", order.Command("services list"))
			}
			return errors.Join(err, m.Owner.PutService(order.Listed{Title: s.Title, State: order.ServiceWanted}))
		}
		listed.RemoteID = made.ID
	default:
		return nil
	}
	if err := m.Owner.Note("", "owner", "service "+string(s.Step)+": "+s.Title); err != nil {
		return err
	}
	return m.Owner.PutService(listed)
}
