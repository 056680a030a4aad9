package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
)

// agentCmd is everything about the profile.
type agentCmd struct {
	Show agentShowCmd `cmd:"" default:"withargs" help:"Show the profile at the marketplace, and what differs from the configuration."`
	Sync agentSyncCmd `cmd:"" help:"Bring the profile to what the configuration says, after showing what would change."`
}

type agentShowCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

func (c agentShowCmd) Run(p *program) error {
	return p.withMarket(func(ctx context.Context, d direct) error {
		have, err := d.client.Profile(ctx)
		if err != nil {
			return err
		}
		changes, _ := enroll.PlanProfile(have, wanted(d.cfg))
		if c.JSON {
			return printJSON(p.stdout, struct {
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
		g := p.newPage()
		showProfile(g, have, changes)
		return g.print(p.stdout)
	})
}

func showProfile(g *page, have atelier.Profile, changes []enroll.Change) {
	g.linef("%s  %s", g.paint(bold, short(have.Name, 100)), g.paint(dim, plain(have.AgentID)))
	rows := [][]cell{}
	add := func(name, value string) {
		look := none
		if value == "" {
			value, look = "not set", yellow
		}
		rows = append(rows, []cell{{name, dim}, {short(value, 200), look}})
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
	g.table("  ", rows)
	if have.PayoutWallet == "" && have.OwnerWallet == "" {
		g.linef("  %s", g.paint(red, "an order that completes without a wallet is not paid out: set agent.payout_wallet"))
	}
	if have.Marketable != nil && !*have.Marketable {
		g.linef("  %s", g.paint(yellow, "the marketplace hides the agent from clients: it needs an owner (agent.owner_wallet)"))
	}
	if len(changes) > 0 {
		g.heading("the configuration says otherwise")
		showChanges(g, changes)
		g.linef("  `atelierd agent sync` brings it there")
	}
}

type agentSyncCmd struct {
	Yes               bool `help:"Do not ask."`
	DryRun            bool `help:"Only show what would change."`
	ResetPayoutWallet bool `help:"Make the owner's wallet the payout wallet again."`
}

func (agentSyncCmd) Help() string {
	return `Shows the plan first and asks. Only fields that differ are sent; one that the
configuration does not set stays as it is. The payout wallet can be set back to
the owner's with --reset-payout-wallet.`
}

func (c agentSyncCmd) Run(p *program) error {
	return p.withMarket(func(ctx context.Context, d direct) error {
		if c.ResetPayoutWallet && d.cfg.Agent.PayoutWallet != "" {
			return &usageError{errors.New("agent.payout_wallet is set in the configuration: remove it to reset the wallet, or the daemon sets it again")}
		}
		have, err := d.client.Profile(ctx)
		if err != nil {
			return err
		}
		changes, patch := enroll.PlanProfile(have, wanted(d.cfg))
		if c.ResetPayoutWallet && have.PayoutWallet != "" {
			changes = append(changes, enroll.Change{Field: "payout_wallet", Old: have.PayoutWallet, New: "(the owner's wallet)"})
			patch.ResetPayoutWallet = true
		}
		g := p.newPage()
		if len(changes) == 0 {
			g.linef("the profile is as the configuration says")
			return g.print(p.stdout)
		}
		g.linef("  %s  %s", g.paint(yellow, "~ "+short(have.Name, 100)), g.paint(dim, plain(have.AgentID)))
		showChanges(g, changes)
		if err := g.print(p.stdout); err != nil || c.DryRun {
			return err
		}
		if err := p.confirm(fmt.Sprintf("\n%d fields would be changed.", len(changes)), "yes", c.Yes); err != nil {
			return err
		}
		if err := d.client.UpdateProfile(ctx, patch); err != nil {
			return err
		}
		if err := d.owner.Note("", "owner", "profile changed"); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, "done")
		return err
	})
}

// wanted is the profile that the configuration describes.
func wanted(cfg *config.Config) atelier.Profile {
	a := cfg.Agent
	return atelier.Profile{Name: a.Name, Description: a.Description, EndpointURL: a.EndpointURL, AvatarURL: a.AvatarURL,
		Capabilities: a.Capabilities, OwnerWallet: a.OwnerWallet, PayoutWallet: a.PayoutWallet}
}
