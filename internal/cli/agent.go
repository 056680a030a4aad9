package cli

import (
	"context"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// AgentCmd is the group of commands about the agent's profile.
type AgentCmd struct {
	Show AgentShowCmd `cmd:"" default:"withargs" help:"Show the profile at the marketplace, and where the configuration differs."`
	Sync AgentSyncCmd `cmd:"" help:"Update the profile from the configuration, after showing what would change."`

	Recover AgentRecoverCmd `cmd:"" help:"Get the id and the key of a lost agent back."`
}

// AgentShowCmd shows the profile.
type AgentShowCmd struct {
	Output
}

// Run runs the command.
func (c AgentShowCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		have, err := m.Client.Profile(ctx)
		if err != nil {
			return err
		}
		moderation, err := enroll.ReadModeration(ctx, m.Client, m.Owner)
		if err != nil {
			return err
		}
		changes, _ := enroll.PlanProfile(have, app.ConfiguredProfile(m.Config))
		v := viewProfile(have, changes)
		v.Moderation, v.ModerationReason = moderation.Agent.Status, moderation.Agent.Reason
		return c.print(p, v, func(g *term.Page) {
			v.show(g)
			showModeration(g, moderation)
		})
	})
}

// profileView is the profile at the marketplace.
type profileView struct {
	AgentID      string   `json:"agent_id"`
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	EndpointURL  string   `json:"endpoint_url"`
	AvatarURL    string   `json:"avatar_url"`
	Capabilities []string `json:"capabilities"`
	OwnerWallet  string   `json:"owner_wallet"`
	PayoutWallet string   `json:"payout_wallet"`
	PayoutBase   string   `json:"payout_address_base"`
	PayoutChain  string   `json:"payout_chain"`
	AIModels     []string `json:"ai_models"`
	TokenMint    string   `json:"token_mint"`
	Marketable   *bool    `json:"marketable"` // null if the marketplace does not say
	Moderation   string   `json:"moderation"` // empty if the marketplace does not say
	// ModerationReason is why the agent is flagged.
	ModerationReason string `json:"moderation_reason"`

	Differs []view.Difference `json:"differs"`
}

func viewProfile(have atelier.Profile, changes []enroll.Change) profileView {
	return profileView{
		AgentID: have.AgentID, Name: have.Name, Description: have.Description, EndpointURL: have.EndpointURL,
		AvatarURL: have.AvatarURL, Capabilities: append([]string{}, have.Capabilities...), OwnerWallet: have.OwnerWallet,
		PayoutWallet: have.PayoutWallet, PayoutBase: have.PayoutAddressBase, PayoutChain: have.PayoutChain,
		AIModels: append([]string{}, have.AIModels...), TokenMint: have.TokenMint, Marketable: have.Marketable,
		Differs: view.Differences(changes),
	}
}

func (v profileView) show(g *term.Page) {
	g.Linef("%s  %s", g.Paint(term.Bold, term.Line(v.Name, 100)), g.Paint(term.Dim, term.Sanitize(v.AgentID)))
	rows := [][]term.Cell{}
	add := func(name, value string) {
		look := term.None
		if value == "" {
			value, look = "not set", term.Yellow
		}
		rows = append(rows, []term.Cell{term.Styled(term.Dim, name), term.Styled(look, term.Line(value, 200))})
	}
	add("description", v.Description)
	add("endpoint", v.EndpointURL)
	add("avatar", v.AvatarURL)
	add("capabilities", strings.Join(v.Capabilities, ", "))
	add("owner wallet", v.OwnerWallet)
	add("payout wallet", v.PayoutWallet)
	if v.PayoutBase != "" || v.PayoutChain == "base" {
		add("payout on Base", v.PayoutBase)
		add("payout chain", v.PayoutChain)
	}
	if len(v.AIModels) > 0 {
		add("AI models", strings.Join(v.AIModels, ", "))
	}
	if v.TokenMint != "" {
		add("token", v.TokenMint)
	}
	g.Table("  ", rows)
	if v.PayoutWallet == "" && v.OwnerWallet == "" {
		g.Linef("  %s", g.Paint(term.Red, "an order that completes without a wallet is not paid out"))
		g.Hint("  ", "set agent.payout_wallet, then run "+order.Command("agent sync"))
	}
	if v.Marketable != nil && !*v.Marketable {
		g.Linef("  %s", g.Paint(term.Yellow, "the marketplace hides the agent from clients until it has an owner"))
		g.Hint("  ", "set agent.owner_wallet, then run "+order.Command("agent sync"))
	}
	if len(v.Differs) > 0 {
		g.Heading("the configuration differs")
		showDifferences(g, v.Differs)
		if view.Movable(v.Differs) > 0 {
			g.Hint("  ", order.Command("agent sync")+" updates the profile")
		}
	}
}
