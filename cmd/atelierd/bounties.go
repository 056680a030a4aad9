package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// bountiesCmd is everything about posted tasks.
type bountiesCmd struct {
	List     bountiesListCmd     `cmd:"" default:"withargs" help:"List the tasks that can be claimed, and your claims."`
	Show     bountiesShowCmd     `cmd:"" help:"Show one task."`
	Claim    bountiesClaimCmd    `cmd:"" help:"Claim a task for one of your services."`
	Withdraw bountiesWithdrawCmd `cmd:"" help:"Take a pending claim back."`
}

func (bountiesCmd) Help() string {
	return `Clients post tasks with a budget, and choose among the agents that claim them. A
claim that is accepted becomes an order like any other. Rules in [bounties] of the
configuration claim without asking; without a rule nothing is claimed by itself.`
}

type bountiesListCmd struct {
	Category  string `help:"Only tasks of this category." placeholder:"CATEGORY"`
	MinBudget string `help:"Only tasks with at least this budget, in US dollars." placeholder:"USD"`
	JSON      bool   `help:"Print JSON." name:"json"`
}

func (c bountiesListCmd) Run(p *program) error {
	q := atelier.BountyQuery{Category: c.Category, Most: 50}
	if c.MinBudget != "" {
		least, err := order.ParseUSD(c.MinBudget)
		if err != nil {
			return &usageError{fmt.Errorf("--min-budget: %w", err)}
		}
		q.MinBudget = least
	}
	return p.withMarket(func(ctx context.Context, d direct) error {
		list, err := d.client.Bounties(ctx, q)
		if err != nil {
			return noBounties(err)
		}
		claims, err := d.owner.Claims(ctx, 50)
		if err != nil {
			return err
		}
		if c.JSON {
			open, ours := []bountyView{}, []bountyView{}
			for _, b := range list {
				open = append(open, viewBounty(order.Claim{Bounty: b}))
			}
			for _, claim := range claims {
				ours = append(ours, viewBounty(claim))
			}
			return printJSON(p.stdout, map[string][]bountyView{"open": open, "claims": ours})
		}
		g := p.newPage()
		showBounties(g, list, claims, time.Now())
		return g.print(p.stdout)
	})
}

// noBounties explains a marketplace of the published guide, which has none.
func noBounties(err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
		return hintf(fmt.Errorf("the marketplace shows none: %w", err), "the guide's marketplace has no bounties; a wrong id looks the same")
	}
	return err
}

type bountyView struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Brief     string           `json:"brief"`
	Category  string           `json:"category"`
	BudgetUSD string           `json:"budget_usd"`
	Deadline  int              `json:"deadline_hours"`
	Status    string           `json:"status,omitempty"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"`
	Claim     order.ClaimState `json:"claim,omitempty"`
	Service   string           `json:"service,omitempty"`
	OrderID   string           `json:"order_id,omitempty"`
	Reason    string           `json:"reason,omitempty"`
}

func viewBounty(c order.Claim) bountyView {
	return bountyView{ID: c.ID, Title: c.Title, Brief: c.Brief, Category: c.Category, BudgetUSD: c.Budget.String(),
		Deadline: c.DeadlineHours, Status: c.Status, ExpiresAt: c.ExpiresAt, Claim: c.State, Service: c.Service,
		OrderID: c.OrderID, Reason: c.Reason}
}

func showBounties(g *page, list []order.Bounty, claims []order.Claim, now time.Time) {
	ours := map[string]order.ClaimState{}
	for _, c := range claims {
		ours[c.ID] = c.State
	}
	if len(list) == 0 {
		g.linef("no task can be claimed")
	} else {
		rows := [][]cell{headings("bounty", "budget", "category", "ends", "claims", "title")}
		for _, b := range list {
			claimed := fmt.Sprint(b.Claims)
			if ours[b.ID] != "" {
				claimed += ", yours"
			}
			rows = append(rows, []cell{plainCell(plain(b.ID)), {"$" + b.Budget.String(), bold}, plainCell(short(b.Category, 20)),
				plainCell(relative(now, b.ExpiresAt)), plainCell(claimed), plainCell(short(b.Title, 60))})
		}
		g.table("", rows)
	}
	if len(claims) == 0 {
		return
	}
	g.heading("your claims")
	rows := [][]cell{headings("bounty", "budget", "state", "for", "order")}
	for _, c := range claims {
		rows = append(rows, []cell{plainCell(plain(c.ID)), plainCell("$" + c.Budget.String()), plainCell(string(c.State)),
			plainCell(short(c.Service, 40)), plainCell(plain(c.OrderID))})
	}
	g.table("  ", rows)
}

type bountiesShowCmd struct {
	Bounty string `arg:"" help:"The bounty's id."`
	JSON   bool   `help:"Print JSON." name:"json"`
}

func (c bountiesShowCmd) Run(p *program) error {
	return p.withMarket(func(ctx context.Context, d direct) error {
		b, err := d.client.Bounty(ctx, c.Bounty)
		if err != nil {
			return noBounties(err)
		}
		claim, _, err := d.owner.Claim(ctx, c.Bounty)
		if err != nil {
			return err
		}
		claim.Bounty = b
		if c.JSON {
			return printJSON(p.stdout, viewBounty(claim))
		}
		g := p.newPage()
		g.linef("%s  %s", g.paint(bold, short(b.Title, 100)), g.paint(dim, plain(b.ID)))
		rows := [][]cell{{{"budget", dim}, plainCell("$" + b.Budget.String())}, {{"category", dim}, plainCell(short(b.Category, 40))},
			{{"status", dim}, plainCell(short(b.Status, 40))}, {{"claims", dim}, plainCell(fmt.Sprint(b.Claims))},
			{{"to be done in", dim}, plainCell(fmt.Sprintf("%d hours", b.DeadlineHours))}}
		if !b.ExpiresAt.IsZero() {
			rows = append(rows, []cell{{"ends", dim}, plainCell(moment(time.Now(), b.ExpiresAt))})
		}
		if claim.State != "" {
			rows = append(rows, []cell{{"your claim", dim}, plainCell(strings.TrimSpace(string(claim.State) + " " + short(claim.Reason, 200)))})
		}
		g.table("  ", rows)
		g.heading("brief")
		g.quote(b.Brief)
		if len(b.References) > 0 {
			g.heading("references")
			g.quote(strings.Join(b.References, "\n"))
		}
		return g.print(p.stdout)
	})
}

type bountiesClaimCmd struct {
	Bounty  string `arg:"" help:"The bounty's id."`
	Service string `help:"Title of the service that is to do it. Default: the only one of its category." placeholder:"TITLE"`
	Message string `help:"What the client reads with the claim, up to 500 characters." placeholder:"TEXT"`
}

func (bountiesClaimCmd) Help() string {
	return `A claim is a promise: when the client accepts it, the order is paid and worked on
at once. The agent needs a verified owner at the marketplace.`
}

func (c bountiesClaimCmd) Run(p *program) error {
	if n := atelier.MessageLength(c.Message); n > atelier.MaxPitch {
		return &usageError{fmt.Errorf("the message has %d characters, at most %d are taken", n, atelier.MaxPitch)}
	}
	return p.withMarket(func(ctx context.Context, d direct) error {
		b, err := d.client.Bounty(ctx, c.Bounty)
		if err != nil {
			return noBounties(err)
		}
		if b.Status != "open" {
			return fmt.Errorf("bounty %s is %.40q and cannot be claimed", b.ID, b.Status)
		}
		if before, ok, err := d.owner.Claim(ctx, b.ID); err != nil {
			return err
		} else if ok && before.State != order.ClaimRefused {
			return fmt.Errorf("bounty %s was claimed before: the claim is %s", b.ID, before.State)
		}
		service, err := c.service(d, b)
		if err != nil {
			return err
		}
		if err := newBountyWatcher(d.cfg, d.owner.Store, d.client, d.log).Claim(ctx, order.Claim{Bounty: b, Service: service, Message: c.Message}); err != nil {
			return hintf(err, "`atelierd bounties list` shows how the claim stands")
		}
		_, err = fmt.Fprintf(p.stdout, "bounty %s is claimed for %s; if the client accepts, its order comes by itself\n", plain(b.ID), short(service, 100))
		return err
	})
}

// service is the one that is to do the bounty.
func (c bountiesClaimCmd) service(d direct, b order.Bounty) (string, error) {
	var fit []string
	for _, s := range d.cfg.Services {
		if strings.EqualFold(s.Title, c.Service) || c.Service == "" && s.Category == b.Category && window(s) == 0 {
			fit = append(fit, s.Title)
		}
	}
	if len(fit) != 1 {
		return "", &usageError{fmt.Errorf("%d services fit; --service TITLE says which one is to do it", len(fit))}
	}
	return fit[0], nil
}

type bountiesWithdrawCmd struct {
	Bounty string `arg:"" help:"The bounty's id."`
}

func (c bountiesWithdrawCmd) Run(p *program) error {
	return p.withMarket(func(ctx context.Context, d direct) error {
		if err := newBountyWatcher(d.cfg, d.owner.Store, d.client, d.log).Withdraw(ctx, c.Bounty); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "the claim on bounty %s is withdrawn\n", plain(c.Bounty))
		return err
	})
}
