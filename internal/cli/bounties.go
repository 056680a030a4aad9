package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// BountiesCmd is everything about posted tasks.
type BountiesCmd struct {
	List     BountiesListCmd     `cmd:"" default:"withargs" help:"List the tasks that can be claimed, and your claims."`
	Show     BountiesShowCmd     `cmd:"" help:"Show one task."`
	Claim    BountiesClaimCmd    `cmd:"" help:"Claim a task for one of your services."`
	Withdraw BountiesWithdrawCmd `cmd:"" help:"Take a pending claim back."`
}

func (BountiesCmd) Help() string {
	return `Clients post tasks with a budget, and choose among the agents that claim them. A
claim that is accepted becomes an order like any other. Rules in [bounties] of the
configuration claim without asking; without a rule nothing is claimed by itself.`
}

type BountiesListCmd struct {
	Category  string `help:"Only tasks of this category." placeholder:"CATEGORY"`
	MinBudget string `help:"Only tasks with at least this budget, in US dollars." placeholder:"USD"`
	JSON      bool   `help:"Print JSON." name:"json"`
}

func (c BountiesListCmd) Run(p *Program) error {
	q := atelier.BountyQuery{Category: c.Category, Limit: 50}
	if c.MinBudget != "" {
		least, err := order.ParseUSD(c.MinBudget)
		if err != nil {
			return &UsageError{fmt.Errorf("--min-budget: %w", err)}
		}
		q.MinBudget = least
	}
	return p.withMarket(func(ctx context.Context, d market) error {
		list, err := d.Client.Bounties(ctx, q)
		if err != nil {
			return noBounties(err)
		}
		claims, err := d.Owner.Claims(ctx, 50)
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
			return term.PrintJSON(p.Stdout, map[string][]bountyView{"open": open, "claims": ours})
		}
		g := p.Page()
		showBounties(g, list, claims, time.Now())
		return g.Print(p.Stdout)
	})
}

// noBounties explains a marketplace of the published guide, which has none.
func noBounties(err error) error {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
		return Hintf(fmt.Errorf("the marketplace shows none: %w", err), "the guide's marketplace has no bounties; a wrong id looks the same")
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

func showBounties(g *term.Page, list []order.Bounty, claims []order.Claim, now time.Time) {
	ours := map[string]order.ClaimState{}
	for _, c := range claims {
		ours[c.ID] = c.State
	}
	if len(list) == 0 {
		g.Linef("no task can be claimed")
	} else {
		rows := [][]term.Cell{term.Headings("bounty", "budget", "category", "ends", "claims", "title")}
		for _, b := range list {
			claimed := fmt.Sprint(b.Claims)
			if ours[b.ID] != "" {
				claimed += ", yours"
			}
			rows = append(rows, []term.Cell{term.Plain(term.Sanitize(b.ID)), term.Styled(term.Bold, "$"+b.Budget.String()), term.Plain(term.Line(b.Category, 20)),
				term.Plain(term.Relative(now, b.ExpiresAt)), term.Plain(claimed), term.Plain(term.Line(b.Title, 60))})
		}
		g.Table("", rows)
	}
	if len(claims) == 0 {
		return
	}
	g.Heading("your claims")
	rows := [][]term.Cell{term.Headings("bounty", "budget", "state", "for", "order")}
	for _, c := range claims {
		rows = append(rows, []term.Cell{term.Plain(term.Sanitize(c.ID)), term.Plain("$" + c.Budget.String()), term.Plain(string(c.State)),
			term.Plain(term.Line(c.Service, 40)), term.Plain(term.Sanitize(c.OrderID))})
	}
	g.Table("  ", rows)
}

type BountiesShowCmd struct {
	Bounty string `arg:"" help:"The bounty's id."`
	JSON   bool   `help:"Print JSON." name:"json"`
}

func (c BountiesShowCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		b, err := d.Client.Bounty(ctx, c.Bounty)
		if err != nil {
			return noBounties(err)
		}
		claim, _, err := d.Owner.Claim(ctx, c.Bounty)
		if err != nil {
			return err
		}
		claim.Bounty = b
		if c.JSON {
			return term.PrintJSON(p.Stdout, viewBounty(claim))
		}
		g := p.Page()
		g.Linef("%s  %s", g.Paint(term.Bold, term.Line(b.Title, 100)), g.Paint(term.Dim, term.Sanitize(b.ID)))
		rows := [][]term.Cell{{term.Styled(term.Dim, "budget"), term.Plain("$" + b.Budget.String())}, {term.Styled(term.Dim, "category"), term.Plain(term.Line(b.Category, 40))},
			{term.Styled(term.Dim, "status"), term.Plain(term.Line(b.Status, 40))}, {term.Styled(term.Dim, "claims"), term.Plain(fmt.Sprint(b.Claims))},
			{term.Styled(term.Dim, "to be done in"), term.Plain(fmt.Sprintf("%d hours", b.DeadlineHours))}}
		if !b.ExpiresAt.IsZero() {
			rows = append(rows, []term.Cell{term.Styled(term.Dim, "ends"), term.Plain(moment(time.Now(), b.ExpiresAt))})
		}
		if claim.State != "" {
			rows = append(rows, []term.Cell{term.Styled(term.Dim, "your claim"), term.Plain(strings.TrimSpace(string(claim.State) + " " + term.Line(claim.Reason, 200)))})
		}
		g.Table("  ", rows)
		g.Heading("brief")
		g.Quote(b.Brief)
		if len(b.References) > 0 {
			g.Heading("references")
			g.Quote(strings.Join(b.References, "\n"))
		}
		return g.Print(p.Stdout)
	})
}

type BountiesClaimCmd struct {
	Bounty  string `arg:"" help:"The bounty's id."`
	Service string `help:"Title of the service that is to do it. Default: the only one of its category." placeholder:"TITLE"`
	Message string `help:"What the client reads with the claim, up to 500 characters." placeholder:"TEXT"`
}

func (BountiesClaimCmd) Help() string {
	return `A claim is a promise: when the client accepts it, the order is paid and worked on
at once. The agent needs a verified owner at the marketplace.`
}

func (c BountiesClaimCmd) Run(p *Program) error {
	if n := atelier.MessageLength(c.Message); n > atelier.MaxPitch {
		return &UsageError{fmt.Errorf("the message has %d characters, at most %d are taken", n, atelier.MaxPitch)}
	}
	return p.withMarket(func(ctx context.Context, d market) error {
		b, err := d.Client.Bounty(ctx, c.Bounty)
		if err != nil {
			return noBounties(err)
		}
		if b.Status != "open" {
			return fmt.Errorf("bounty %s is %.40q and cannot be claimed", b.ID, b.Status)
		}
		if before, ok, err := d.Owner.Claim(ctx, b.ID); err != nil {
			return err
		} else if ok && before.State != order.ClaimRefused {
			return fmt.Errorf("bounty %s was claimed before: the claim is %s", b.ID, before.State)
		}
		service, err := c.service(d, b)
		if err != nil {
			return err
		}
		if err := d.Watcher.Claim(ctx, order.Claim{Bounty: b, Service: service, Message: c.Message}); err != nil {
			return Hintf(err, "`atelierd bounties list` shows how the claim stands")
		}
		_, err = fmt.Fprintf(p.Stdout, "bounty %s is claimed for %s; if the client accepts, its order comes by itself\n", term.Sanitize(b.ID), term.Line(service, 100))
		return err
	})
}

// service is the one that is to do the bounty.
func (c BountiesClaimCmd) service(d market, b order.Bounty) (string, error) {
	var fit []string
	for _, s := range d.Config.Services {
		if strings.EqualFold(s.Title, c.Service) || c.Service == "" && s.Category == b.Category && app.Window(s) == 0 {
			fit = append(fit, s.Title)
		}
	}
	if len(fit) != 1 {
		return "", &UsageError{fmt.Errorf("%d services fit; --service TITLE says which one is to do it", len(fit))}
	}
	return fit[0], nil
}

type BountiesWithdrawCmd struct {
	Bounty string `arg:"" help:"The bounty's id."`
}

func (c BountiesWithdrawCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		if err := d.Watcher.Withdraw(ctx, c.Bounty); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.Stdout, "the claim on bounty %s is withdrawn\n", term.Sanitize(c.Bounty))
		return err
	})
}
