package cli

import (
	"context"

	"atelierd/internal/term"
)

// BountiesClaimCmd claims a task.
type BountiesClaimCmd struct {
	Bounty  string `arg:"" help:"The bounty's id, or its last 6 characters or more."`
	Service string `help:"Title of the service that does the task. Default: your only service of its category." placeholder:"TITLE"`
	Message string `help:"What the client reads with the claim, up to 500 characters." placeholder:"TEXT"`
}

// Help explains the command.
func (BountiesClaimCmd) Help() string {
	return `A claim is binding: when the client accepts it, the order is paid and the daemon
starts work at once. At the marketplace the agent needs a verified owner.`
}

// Run runs the command.
func (c BountiesClaimCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		b, err := m.findBounty(ctx, c.Bounty)
		if err != nil {
			return err
		}
		service, err := m.ClaimBounty(ctx, b, c.Service, c.Message)
		if err != nil {
			return err
		}
		return p.say("bounty %s is claimed for %s; if the client accepts, the order arrives by itself",
			term.Sanitize(b.ID), term.Line(service, 100))
	})
}
