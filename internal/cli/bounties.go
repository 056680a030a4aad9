package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// BountiesCmd is the group of commands about tasks that clients have posted.
type BountiesCmd struct {
	List     BountiesListCmd     `cmd:"" default:"withargs" help:"List the tasks that can be claimed, and your claims."`
	Show     BountiesShowCmd     `cmd:"" help:"Show one task."`
	Claim    BountiesClaimCmd    `cmd:"" help:"Claim a task for one of your services."`
	Withdraw BountiesWithdrawCmd `cmd:"" help:"Withdraw a pending claim."`
}

// Help explains the command.
func (BountiesCmd) Help() string {
	return `Clients post tasks with a budget, and choose one of the agents that claim them. An
accepted claim becomes an order like any other. The daemon claims tasks only where
a rule in [bounties] of the configuration says so.`
}

// bountiesListed is the number of tasks and of claims that are listed.
const bountiesListed = 50

// BountiesListCmd lists tasks and claims.
type BountiesListCmd struct {
	Category  string `help:"Only tasks of this category." placeholder:"CATEGORY"`
	MinBudget string `help:"Only tasks with at least this budget, in US dollars." placeholder:"USD"`
	Output
}

// Run runs the command.
func (c BountiesListCmd) Run(p *Program) error {
	q := atelier.BountyQuery{Category: c.Category, Limit: bountiesListed}
	if c.MinBudget != "" {
		least, err := order.ParseUSD(c.MinBudget)
		if err != nil {
			return &UsageError{fmt.Errorf("--min-budget: %w", err)}
		}
		q.MinBudget = least
	}
	return p.withMarket(func(ctx context.Context, m market) error {
		open, err := m.Client.Bounties(ctx, q)
		if err != nil {
			return noBounties(err)
		}
		claims, err := m.Owner.Claims(ctx, bountiesListed)
		if err != nil {
			return err
		}
		v := view.NewBounties(open, claims)
		return c.print(p, v, func(g *term.Page) { showBounties(g, v, time.Now()) })
	})
}

// noBounties explains the answer of a marketplace that has no bounties. The one
// of the published guide has none.
func noBounties(err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
		return Hintf(fmt.Errorf("not found: %w", err), "the id is wrong, or the marketplace has no bounties; %s lists them", order.Command("bounties list"))
	}
	return err
}

// BountiesShowCmd shows one task.
type BountiesShowCmd struct {
	Bounty string `arg:"" help:"The bounty's id, or its last 6 characters or more."`
	Output
}

// Run runs the command.
func (c BountiesShowCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		b, err := m.findBounty(ctx, c.Bounty)
		if err != nil {
			return err
		}
		claim, _, err := m.Owner.Claim(ctx, b.ID)
		if err != nil {
			return err
		}
		claim.Bounty = b
		v := view.NewBounty(claim)
		return c.print(p, v, func(g *term.Page) { showBounty(g, v, time.Now()) })
	})
}

// BountiesWithdrawCmd withdraws a claim.
type BountiesWithdrawCmd struct {
	Bounty string `arg:"" help:"The bounty's id, or its last 6 characters or more."`
}

// Run runs the command.
func (c BountiesWithdrawCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		id, err := m.Owner.ResolveBounty(ctx, c.Bounty)
		if err != nil {
			return noSuchBounty(err)
		}
		if err := m.Watcher.Withdraw(ctx, id); err != nil {
			return err
		}
		return p.say("the claim on bounty %s is withdrawn", term.Sanitize(id))
	})
}
