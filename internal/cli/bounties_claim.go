package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/order"
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
	if n := atelier.MessageLength(c.Message); n > atelier.MaxPitch {
		return &UsageError{fmt.Errorf("the message has %d characters; the marketplace takes at most %d", n, atelier.MaxPitch)}
	}
	return p.withMarket(func(ctx context.Context, m market) error {
		b, err := m.findBounty(ctx, c.Bounty)
		if err != nil {
			return err
		}
		if b.Status != "open" {
			return fmt.Errorf("bounty %s is %.40q and cannot be claimed", b.ID, b.Status)
		}
		if clients := (order.ClientRules{Block: m.Config.Clients.Block}); clients.Blocks("", b.Poster) {
			return Hintf(fmt.Errorf("the client of bounty %s is blocked: it is in clients.block", b.ID), "take the client out of clients.block, then claim it again")
		}
		if before, ok, err := m.Owner.Claim(ctx, b.ID); err != nil {
			return err
		} else if ok && before.State != order.ClaimRefused {
			return fmt.Errorf("bounty %s was claimed before; the claim is %s", b.ID, before.State)
		}
		service, err := c.service(m, b)
		if err != nil {
			return err
		}
		if err := m.Watcher.Claim(ctx, order.Claim{Bounty: b, Service: service, Message: c.Message}); err != nil {
			if f, ok := errors.AsType[*order.Failure](err); ok && f.Hint != "" {
				return err
			}
			return Hintf(err, "%s shows the state of the claim", order.Command("bounties list"))
		}
		return p.say("bounty %s is claimed for %s; if the client accepts, the order arrives by itself",
			term.Sanitize(b.ID), term.Line(service, 100))
	})
}

// service returns the title of the service that does the task.
func (c BountiesClaimCmd) service(m market, b order.Bounty) (string, error) {
	var fit []string
	for _, s := range m.Config.Services {
		if order.SameTitle(s.Title, c.Service) || c.Service == "" && s.Category == b.Category && app.Window(s) == 0 {
			fit = append(fit, s.Title)
		}
	}
	if len(fit) != 1 {
		return "", &UsageError{fmt.Errorf("%d services fit the task; name the one to use with --service TITLE", len(fit))}
	}
	return fit[0], nil
}
