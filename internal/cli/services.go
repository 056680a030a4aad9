package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// ServicesCmd is everything about what the agent sells.
type ServicesCmd struct {
	List   ServicesListCmd   `cmd:"" default:"withargs" help:"Compare the services of the configuration with the marketplace's."`
	Sync   ServicesSyncCmd   `cmd:"" help:"Bring the marketplace to what the configuration says, after showing what would change."`
	Retire ServicesRetireCmd `cmd:"" help:"Take a service off the market."`
}

func (ServicesCmd) Help() string {
	return `The daemon lists services that the marketplace lacks by itself; a later change of
price or text it leaves to you: "atelierd services sync".`
}

type ServicesListCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

func (ServicesListCmd) Help() string {
	return `Each service with what differs, as "atelierd services sync" would change it.
Services at the marketplace that the configuration does not name are left alone.
Orders for a service that is paused wait until its generator works again.`
}

func (c ServicesListCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		plan, err := d.plan(ctx)
		if err != nil {
			return err
		}
		return d.showPlan(ctx, p, plan, c.JSON)
	})
}

type ServicesSyncCmd struct {
	Yes    bool `help:"Do not ask."`
	DryRun bool `help:"Only show what would change."`
}

func (ServicesSyncCmd) Help() string {
	return `Shows the plan first and asks. Only fields that differ are sent; services that are
missing are listed, also one that you had retired. Nothing is ever removed.`
}

func (c ServicesSyncCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		plan, err := d.plan(ctx)
		if err != nil {
			return err
		}
		if err := d.showPlan(ctx, p, plan, false); err != nil {
			return err
		}
		work := 0
		for _, s := range plan {
			if s.Step == enroll.StepCreate || s.Step == enroll.StepChange {
				work++
			}
		}
		if work == 0 || c.DryRun {
			return nil
		}
		if err := p.confirm(fmt.Sprintf("\n%d services would be changed.", work), "yes", c.Yes); err != nil {
			return err
		}
		for _, s := range plan {
			if err := d.carryOut(ctx, s); err != nil {
				return fmt.Errorf("service %q: %w", s.Title, err)
			}
		}
		_, err = fmt.Fprintln(p.Stdout, "done")
		return err
	})
}

// plan compares what is offered with what is listed.
func (d market) plan(ctx context.Context) ([]enroll.Planned, error) {
	there, err := d.Client.Services(ctx)
	if err != nil {
		return nil, err
	}
	known, err := d.Owner.Services(ctx)
	if err != nil {
		return nil, err
	}
	return enroll.Plan(app.Offered(d.Config), there, known), nil
}

// carryOut does one step of a plan. A service that is created is written down
// first, so that a daemon beside us does not create it too.
func (d market) carryOut(ctx context.Context, p enroll.Planned) error {
	listed := order.Listed{Title: p.Title, RemoteID: p.ID, State: order.ServiceListed}
	switch p.Step {
	case enroll.StepChange:
		if err := d.Client.UpdateService(ctx, p.ID, p.Patch); err != nil {
			return err
		}
	case enroll.StepCreate:
		if err := d.Owner.PutService(order.Listed{Title: p.Title, State: order.ServiceCreating}); err != nil {
			return err
		}
		made, err := d.Client.CreateService(ctx, p.Want)
		if err != nil {
			if atelier.OutcomeUnknown(err) {
				return Hintf(err, "`atelierd services list` shows whether it arrived")
			}
			return errors.Join(err, d.Owner.PutService(order.Listed{Title: p.Title, State: order.ServiceWanted}))
		}
		listed.RemoteID = made.ID
	default:
		return nil
	}
	if err := d.Owner.Note("", "owner", "service "+string(p.Step)+": "+p.Title); err != nil {
		return err
	}
	return d.Owner.PutService(listed)
}

type ServicesRetireCmd struct {
	Service string `arg:"" help:"Its title, or its id at the marketplace."`
	Yes     bool   `help:"Do not ask."`
}

func (ServicesRetireCmd) Help() string {
	return `Clients cannot order it any more; orders that there are stay. The daemon does not
list it again, though it be in the configuration; "atelierd services sync" does.`
}

func (c ServicesRetireCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		there, err := d.Client.Services(ctx)
		if err != nil {
			return err
		}
		for _, s := range there {
			if s.ID != c.Service && !strings.EqualFold(strings.TrimSpace(s.Title), strings.TrimSpace(c.Service)) ||
				s.Active != nil && !*s.Active {
				continue
			}
			if err := p.confirm(fmt.Sprintf("%s (%s) goes off the market.", term.Line(s.Title, 100), term.Sanitize(s.ID)), "retire", c.Yes); err != nil {
				return err
			}
			// Written first: otherwise a daemon could list it anew in between.
			if err := d.Owner.PutService(order.Listed{Title: strings.TrimSpace(s.Title), RemoteID: s.ID, State: order.ServiceRetired}); err != nil {
				return err
			}
			if err := d.Client.DeleteService(ctx, s.ID); err != nil {
				if !atelier.OutcomeUnknown(err) {
					err = errors.Join(err, d.Owner.PutService(order.Listed{Title: strings.TrimSpace(s.Title), RemoteID: s.ID, State: order.ServiceListed}))
				}
				return err
			}
			if err := d.Owner.Note("", "owner", "service retired: "+s.Title); err != nil {
				return err
			}
			_, err := fmt.Fprintf(p.Stdout, "%s is off the market\n", term.Line(s.Title, 100))
			return err
		}
		return Hintf(fmt.Errorf("the marketplace lists no service %.100q", c.Service), "`atelierd services list` shows those that it does")
	})
}

func (d market) showPlan(ctx context.Context, p *Program, plan []enroll.Planned, asJSON bool) error {
	facts, err := d.Owner.Facts(ctx)
	if err != nil {
		return err
	}
	paused := pausedBy(facts)
	if asJSON {
		type view struct {
			Step    enroll.Step  `json:"step"`
			Title   string       `json:"title"`
			ID      string       `json:"id"`
			Retired bool         `json:"retired"`
			Paused  string       `json:"paused"` // the generator of its own that is; empty while it works
			Changes []changeView `json:"changes"`
		}
		list := []view{}
		for _, s := range plan {
			name, _ := pausedFor(d.Config, s.Title, paused)
			list = append(list, view{s.Step, s.Title, s.ID, s.Retired, name, viewChanges(s.Changes)})
		}
		return term.PrintJSON(p.Stdout, list)
	}
	g := p.Page()
	for _, s := range plan {
		d.showPlanned(g, s, paused)
	}
	if len(plan) == 0 {
		g.Linef("no service is configured, and none is listed")
	}
	return g.Print(p.Stdout)
}

func (d market) showPlanned(g *term.Page, s enroll.Planned, paused map[string]store.Fact) {
	title, id, note := term.Line(s.Title, 100), g.Paint(term.Dim, term.Sanitize(s.ID)), ""
	if name, standIn := pausedFor(d.Config, s.Title, paused); name != "" {
		note = "; " + g.Paint(term.Yellow, "paused: generator "+name+" does not work now"+standIn)
	}
	switch s.Step {
	case enroll.StepCreate:
		why := "not listed"
		if s.Retired {
			why = "retired by you"
		}
		g.Linef("  %s  (%s; a sync lists it%s)", g.Paint(term.Green, "+ "+title), why, note)
	case enroll.StepChange:
		g.Linef("  %s  %s, differs%s", g.Paint(term.Yellow, "~ "+title), id, note)
		showChanges(g, s.Changes)
	case enroll.StepLeave:
		g.Linef("  = %s  %s, listed as configured%s", title, id, note)
	case enroll.StepForeign:
		g.Linef("  ? %s  %s, not in the configuration; left alone", title, id)
	}
}
