package cli

import (
	"context"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// ServicesCmd is the group of commands about what the agent sells.
type ServicesCmd struct {
	List   ServicesListCmd   `cmd:"" default:"withargs" help:"Compare the services of the configuration with those at the marketplace."`
	Sync   ServicesSyncCmd   `cmd:"" help:"Update the marketplace from the configuration, after showing what would change."`
	Retire ServicesRetireCmd `cmd:"" help:"Remove a service from the marketplace."`
}

// Help explains the command.
func (ServicesCmd) Help() string {
	return `The daemon lists new services at the marketplace by itself. It does not change the
price or text of a listed service; "atelierd services sync" does.`
}

// ServicesListCmd compares the services.
type ServicesListCmd struct {
	Output
}

// Help explains the command.
func (ServicesListCmd) Help() string {
	return `Shows each service with the fields that differ, as "atelierd services sync" would
change them. It leaves services alone that are not in the configuration. Orders for
a service whose generator is paused wait until that works again. What you have paused
and taken off the marketplace is left alone.`
}

// Run runs the command.
func (c ServicesListCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		_, v, err := m.planServices(ctx)
		if err != nil {
			return err
		}
		return c.print(p, v, v.show)
	})
}

// planServices compares the services of the configuration with those that are
// listed.
func (m market) planServices(ctx context.Context) ([]enroll.Planned, planView, error) {
	there, err := m.Client.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	known, err := m.Owner.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	facts, err := m.Owner.Facts(ctx)
	if err != nil {
		return nil, nil, err
	}
	pauses, err := m.Owner.Pauses(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan := enroll.Plan(app.Offered(m.Config), there, known)
	for i, s := range plan {
		if s.Step != enroll.StepForeign && order.OffMarket(pauses, s.Title, time.Now()) {
			plan[i].Step = enroll.StepDelisted
		}
	}
	return plan, m.viewPlan(plan, view.PausedGenerators(facts), pauses), nil
}

// planView is what a sync would do about each service.
type planView []plannedView

type plannedView struct {
	Step    enroll.Step      `json:"step"`
	Title   string           `json:"title"`
	ID      string           `json:"id"`
	Retired bool             `json:"retired"`
	Paused  string           `json:"paused"` // its own generator, if that is paused
	Changes []differenceView `json:"changes"`

	// Pause is what the owner has paused it by; null for nothing.
	Pause *view.Pause `json:"paused_by_owner"`

	standIn string
	zone    *time.Location
}

func (m market) viewPlan(plan []enroll.Planned, paused map[string]store.Fact, pauses []order.Pause) planView {
	list := planView{}
	for _, s := range plan {
		v := plannedView{Step: s.Step, Title: s.Title, ID: s.ID, Retired: s.Retired, Changes: viewDifferences(s.Changes)}
		v.Paused, v.standIn = view.PausedService(m.Config, s.Title, paused)
		if p, is := order.PauseOf(pauses, s.Title, time.Now()); is && s.Step != enroll.StepForeign {
			view := view.Pause(p)
			v.Pause, v.zone = &view, m.Config.Zone()
		}
		list = append(list, v)
	}
	return list
}

func (v planView) show(g *term.Page) {
	for _, s := range v {
		s.show(g)
	}
	if len(v) == 0 {
		g.Linef("no service is configured, and none is listed; add a [[service]] to the configuration")
	}
}

func (v plannedView) show(g *term.Page) {
	title, id, note := term.Line(v.Title, 100), g.Paint(term.Dim, term.Sanitize(v.ID)), ""
	if v.Paused != "" {
		note = "; " + g.Paint(term.Yellow, "paused: generator "+v.Paused+" does not work now"+view.StandsIn(v.standIn))
	}
	if v.Pause != nil {
		note += "; " + g.Paint(term.Yellow, term.Line(view.PauseText(order.Pause(*v.Pause), v.zone), 200))
	}
	switch v.Step {
	case enroll.StepDelisted:
		g.Linef("  = %s  not listed until its pause ends; left alone%s", title, note)
	case enroll.StepCreate:
		why := "not listed"
		if v.Retired {
			why = "retired by you"
		}
		g.Linef("  %s  (%s; a sync lists it%s)", g.Paint(term.Green, "+ "+title), why, note)
	case enroll.StepChange:
		g.Linef("  %s  %s, differs%s", g.Paint(term.Yellow, "~ "+title), id, note)
		showDifferences(g, v.Changes)
	case enroll.StepLeave:
		g.Linef("  = %s  %s, listed as configured%s", title, id, note)
	case enroll.StepForeign:
		g.Linef("  ? %s  %s, not in the configuration; left alone", title, id)
	}
}
