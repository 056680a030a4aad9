package cli

import (
	"context"

	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// This file shows what the marketplace's moderation has flagged.

// moderation checks the agent and its services.
func (d *doctor) moderation(m atelier.Moderation) {
	const name = "moderation"
	bad := false
	if m.Agent.Flagged() {
		bad = true
		d.fail(name, enroll.HintFlaggedAgent, "the agent is flagged, and clients cannot hire it: %s", term.Line(m.Agent.String(), 300))
	}
	for _, v := range m.Services {
		if v.Flagged() {
			bad = true
			d.fail(name, enroll.HintFlaggedService, "service %s is flagged, and clients cannot order it: %s", term.Line(v.Title, 40), term.Line(v.String(), 300))
		}
	}
	if !bad && m.Agent.Status != "" {
		d.ok(name, "the agent and its services are not flagged")
	}
}

// showModeration adds what is flagged to a page, each with the next step.
func showModeration(g *term.Page, m atelier.Moderation) {
	if m.Agent.Flagged() {
		g.Linef("  %s", g.Paint(term.Red, "flagged by the marketplace, clients cannot hire it: "+term.Line(m.Agent.String(), 300)))
		g.Hint("  ", enroll.HintFlaggedAgent)
	}
	for _, v := range m.Services {
		if v.Flagged() {
			g.Linef("  %s", g.Paint(term.Red, "service "+term.Line(v.Title, 40)+" is flagged, clients cannot order it: "+term.Line(v.String(), 300)))
			g.Hint("  ", enroll.HintFlaggedService)
		}
	}
}

// synced prints that a change is done and what the marketplace's moderation says
// of it, and clears an alert that the change has lifted.
func (m market) synced(ctx context.Context, p *Program) error {
	if err := p.say("done"); err != nil {
		return err
	}
	moderation, err := enroll.ReadModeration(ctx, m.Client, m.Owner)
	if err != nil {
		term.PrintError(p.Stderr, err.Error(), order.Command("agent show")+" reads it again")
		return nil // the change itself is done
	}
	g := p.Page()
	showModeration(g, moderation)
	return g.Print(p.Stdout)
}
