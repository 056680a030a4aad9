package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/term"
)

// delist pauses and takes the services off the marketplace, after asking. The pause is
// stored first: in the other order a daemon could list them again in between.
func (c PauseCmd) delist(p *Program, actions *owner.Actions, pause order.Pause) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		known, listed, err := m.toDelist(ctx, pause)
		if err != nil {
			return err
		}
		if err := c.ask(p, delistQuestion(listed, pause), "yes"); err != nil {
			return err
		}
		if err := actions.Pause(pause, known); err != nil {
			return err
		}
		p.wake(ctx, actions.Dir())
		var failed error
		for _, l := range listed {
			failed = errors.Join(failed, m.takeOff(ctx, l))
		}
		if failed != nil {
			return Hintf(failed, "the pause stands; run the same command again to take off what is still listed")
		}
		return nil
	})
}

// toDelist returns the services that a pause covers: all of the configuration, and those
// of them that the marketplace lists.
func (m market) toDelist(ctx context.Context, pause order.Pause) (known, listed []order.Listed, err error) {
	there, err := m.Client.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	stored, err := m.Owner.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range m.Config.Services {
		if !pause.Covers(s.Title) {
			continue
		}
		l := order.Listed{Title: s.Title, State: order.ServiceListed}
		for _, k := range stored {
			if order.SameTitle(k.Title, s.Title) {
				l.Title, l.RemoteID = k.Title, k.RemoteID
			}
		}
		for _, have := range there {
			if (have.Active == nil || *have.Active) && (have.ID == l.RemoteID || order.SameTitle(have.Title, s.Title)) {
				l.RemoteID = have.ID
				listed = append(listed, l)
				break
			}
		}
		known = append(known, l)
	}
	return known, listed, nil
}

func delistQuestion(listed []order.Listed, pause order.Pause) string {
	if len(listed) == 0 {
		return "The marketplace does not list it now, and the daemon does not list it until the pause ends."
	}
	var titles []string
	for _, l := range listed {
		titles = append(titles, fmt.Sprintf("%s (%s)", term.Line(l.Title, 100), term.Sanitize(l.RemoteID)))
	}
	return "Clients can no longer order " + strings.Join(titles, ", ") + ". Orders that exist stay. When the pause ends, such as by " +
		pause.Resume() + ", the daemon lists a new service each, with a new id at the marketplace."
}

// takeOff deletes a service at the marketplace.
func (m market) takeOff(ctx context.Context, l order.Listed) error {
	err := m.Client.DeleteService(ctx, l.RemoteID)
	if err == nil {
		return m.Owner.Note("", "owner", "service taken off the marketplace: "+l.Title)
	}
	err = fmt.Errorf("%s: %w", term.Line(l.Title, 100), err)
	if !atelier.OutcomeUnknown(err) {
		err = errors.Join(err, m.Owner.PutService(l)) // it is still listed
	}
	return err
}
