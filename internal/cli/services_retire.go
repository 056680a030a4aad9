package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// ServicesRetireCmd removes a service from the marketplace.
type ServicesRetireCmd struct {
	Service string `arg:"" help:"The service's title, or its id at the marketplace."`
	Confirm
}

// Help explains the command.
func (ServicesRetireCmd) Help() string {
	return `Clients can no longer order the service; orders that exist stay. The daemon does not
list it again, even if it is in the configuration; "atelierd services sync" does.`
}

// Run runs the command.
func (c ServicesRetireCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		there, err := m.Client.Services(ctx)
		if err != nil {
			return err
		}
		for _, s := range there {
			if !c.names(s) || s.Active != nil && !*s.Active {
				continue
			}
			title := term.Line(s.Title, 100)
			if err := c.ask(p, fmt.Sprintf("Clients can no longer order %s (%s).", title, term.Sanitize(s.ID)), "retire"); err != nil {
				return err
			}
			if err := m.retire(ctx, s); err != nil {
				return err
			}
			err := p.say("%s is no longer listed", title)
			return err
		}
		return Hintf(fmt.Errorf("the marketplace lists no service %.100q", c.Service), "%s shows those it lists", order.Command("services list"))
	})
}

func (c ServicesRetireCmd) names(s atelier.Service) bool {
	return s.ID == c.Service || order.SameTitle(s.Title, c.Service)
}

// retire stores that the service is retired and then deletes it at the
// marketplace. In the other order a daemon could list it again in between.
func (m market) retire(ctx context.Context, s atelier.Service) error {
	known, err := m.Owner.Services(ctx)
	if err != nil {
		return err
	}
	stored := order.Listed{Title: order.NormalTitle(s.Title), RemoteID: s.ID, State: order.ServiceRetired}
	for _, l := range known {
		if l.RemoteID == s.ID || order.SameTitle(l.Title, s.Title) {
			stored.Title = l.Title // as the configuration spells it
			break
		}
	}
	if err := m.Owner.PutService(stored); err != nil {
		return err
	}
	if err := m.Client.DeleteService(ctx, s.ID); err != nil {
		if !atelier.OutcomeUnknown(err) {
			stored.State = order.ServiceListed
			err = errors.Join(err, m.Owner.PutService(stored))
		}
		return err
	}
	return m.Owner.Note("", "owner", "service retired: "+s.Title)
}
