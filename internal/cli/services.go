package cli

import (
	"context"

	"atelierd/internal/enroll"
	"atelierd/internal/order"
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
		plan, err := m.PlanServices(ctx)
		if err != nil {
			return err
		}
		return c.print(p, plan.View, func(g *term.Page) { showPlan(g, plan.View) })
	})
}

func showPlan(g *term.Page, v view.Plan) {
	for _, s := range v {
		showPlanned(g, s)
	}
	if len(v) == 0 {
		g.Linef("no service is configured, and none is listed; add a [[service]] to the configuration")
	}
}

func showPlanned(g *term.Page, v view.Planned) {
	title, id, note := term.Line(v.Title, 100), g.Paint(term.Dim, term.Sanitize(v.ID)), ""
	if v.Paused != "" {
		note = "; " + g.Paint(term.Yellow, "paused: generator "+v.Paused+" does not work now"+view.StandsIn(v.StandIn))
	}
	if v.Pause != nil {
		note += "; " + g.Paint(term.Yellow, term.Line(view.PauseText(order.Pause(*v.Pause), v.Zone), 200))
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
