package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/term"
)

// AgentCmd is everything about the profile.
type AgentCmd struct {
	Show AgentShowCmd `cmd:"" default:"withargs" help:"Show the profile at the marketplace, and what differs from the configuration."`
	Sync AgentSyncCmd `cmd:"" help:"Bring the profile to what the configuration says, after showing what would change."`
}

type AgentShowCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

func (c AgentShowCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		have, err := d.Client.Profile(ctx)
		if err != nil {
			return err
		}
		changes, _ := enroll.PlanProfile(have, wanted(d.Config))
		if c.JSON {
			return term.PrintJSON(p.Stdout, struct {
				AgentID      string       `json:"agent_id"`
				Name         string       `json:"name"`
				Description  string       `json:"description"`
				EndpointURL  string       `json:"endpoint_url"`
				AvatarURL    string       `json:"avatar_url"`
				Capabilities []string     `json:"capabilities"`
				OwnerWallet  string       `json:"owner_wallet"`
				PayoutWallet string       `json:"payout_wallet"`
				TokenMint    string       `json:"token_mint"`
				Marketable   *bool        `json:"marketable"`
				Differs      []changeView `json:"differs"`
			}{have.AgentID, have.Name, have.Description, have.EndpointURL, have.AvatarURL, append([]string{}, have.Capabilities...),
				have.OwnerWallet, have.PayoutWallet, have.TokenMint, have.Marketable, viewChanges(changes)})
		}
		g := p.Page()
		showProfile(g, have, changes)
		return g.Print(p.Stdout)
	})
}

func showProfile(g *term.Page, have atelier.Profile, changes []enroll.Change) {
	g.Linef("%s  %s", g.Paint(term.Bold, term.Line(have.Name, 100)), g.Paint(term.Dim, term.Sanitize(have.AgentID)))
	rows := [][]term.Cell{}
	add := func(name, value string) {
		look := term.None
		if value == "" {
			value, look = "not set", term.Yellow
		}
		rows = append(rows, []term.Cell{term.Styled(term.Dim, name), term.Styled(look, term.Line(value, 200))})
	}
	add("description", have.Description)
	add("endpoint", have.EndpointURL)
	add("avatar", have.AvatarURL)
	add("capabilities", strings.Join(have.Capabilities, ", "))
	add("owner wallet", have.OwnerWallet)
	add("payout wallet", have.PayoutWallet)
	if have.TokenMint != "" {
		add("token", have.TokenMint)
	}
	g.Table("  ", rows)
	if have.PayoutWallet == "" && have.OwnerWallet == "" {
		g.Linef("  %s", g.Paint(term.Red, "an order that completes without a wallet is not paid out: set agent.payout_wallet"))
	}
	if have.Marketable != nil && !*have.Marketable {
		g.Linef("  %s", g.Paint(term.Yellow, "the marketplace hides the agent from clients: it needs an owner (agent.owner_wallet)"))
	}
	if len(changes) > 0 {
		g.Heading("the configuration says otherwise")
		showChanges(g, changes)
		g.Linef("  `atelierd agent sync` brings it there")
	}
}

type AgentSyncCmd struct {
	Yes               bool `help:"Do not ask."`
	DryRun            bool `help:"Only show what would change."`
	ResetPayoutWallet bool `help:"Make the owner's wallet the payout wallet again."`
}

func (AgentSyncCmd) Help() string {
	return `Shows the plan first and asks. Only fields that differ are sent; one that the
configuration does not set stays as it is. The payout wallet can be set back to
the owner's with --reset-payout-wallet.`
}

func (c AgentSyncCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, d market) error {
		if c.ResetPayoutWallet && d.Config.Agent.PayoutWallet != "" {
			return &UsageError{errors.New("agent.payout_wallet is set in the configuration: remove it to reset the wallet, or the daemon sets it again")}
		}
		have, err := d.Client.Profile(ctx)
		if err != nil {
			return err
		}
		changes, patch := enroll.PlanProfile(have, wanted(d.Config))
		if c.ResetPayoutWallet && have.PayoutWallet != "" {
			changes = append(changes, enroll.Change{Field: "payout_wallet", Old: have.PayoutWallet, New: "(the owner's wallet)"})
			patch.ResetPayoutWallet = true
		}
		g := p.Page()
		if len(changes) == 0 {
			g.Linef("the profile is as the configuration says")
			return g.Print(p.Stdout)
		}
		g.Linef("  %s  %s", g.Paint(term.Yellow, "~ "+term.Line(have.Name, 100)), g.Paint(term.Dim, term.Sanitize(have.AgentID)))
		showChanges(g, changes)
		if err := g.Print(p.Stdout); err != nil || c.DryRun {
			return err
		}
		if err := p.confirm(fmt.Sprintf("\n%d fields would be changed.", len(changes)), "yes", c.Yes); err != nil {
			return err
		}
		if err := d.Client.UpdateProfile(ctx, patch); err != nil {
			return err
		}
		if err := d.Owner.Note("", "owner", "profile changed"); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.Stdout, "done")
		return err
	})
}

// wanted is the profile that the configuration describes.
func wanted(cfg *config.Config) atelier.Profile {
	a := cfg.Agent
	return atelier.Profile{Name: a.Name, Description: a.Description, EndpointURL: a.EndpointURL, AvatarURL: a.AvatarURL,
		Capabilities: a.Capabilities, OwnerWallet: a.OwnerWallet, PayoutWallet: a.PayoutWallet}
}
