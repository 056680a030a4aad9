package cli

import (
	"context"
	"errors"
	"fmt"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// AgentSyncCmd updates the profile.
type AgentSyncCmd struct {
	Confirm
	DryRun            bool `help:"Only show what would change."`
	ResetPayoutWallet bool `help:"Use the owner's wallet as the payout wallet again."`
}

// Help explains the command.
func (AgentSyncCmd) Help() string {
	return `Shows what would change, and asks. It sends only the fields that differ, and leaves
fields alone that the configuration does not set. The owner's wallet can be set only
once. --reset-payout-wallet sets the
payout wallet back to the owner's wallet.`
}

// Run runs the command.
func (c AgentSyncCmd) Run(p *Program) error {
	return p.withMarket(func(ctx context.Context, m market) error {
		if c.ResetPayoutWallet && m.Config.Agent.PayoutWallet != "" {
			return &UsageError{errors.New("agent.payout_wallet is set in the configuration, so the daemon would set it again; remove it first")}
		}
		have, err := m.Client.Profile(ctx)
		if err != nil {
			return err
		}
		want := app.ConfiguredProfile(m.Config)
		changes, patch := enroll.PlanProfile(have, want)
		if c.ResetPayoutWallet && have.PayoutWallet != "" {
			changes = append(changes, enroll.Change{Field: "payout_wallet", Old: have.PayoutWallet, New: "(the owner's wallet)"})
			patch.ResetPayoutWallet = true
		}
		g := p.Page()
		if len(changes) == 0 {
			g.Linef("the profile matches the configuration")
			return g.Print(p.Stdout)
		}
		g.Linef("  %s  %s", g.Paint(term.Yellow, "~ "+term.Line(have.Name, 100)), g.Paint(term.Dim, term.Sanitize(have.AgentID)))
		views := view.Differences(changes)
		showDifferences(g, views)
		if err := g.Print(p.Stdout); err != nil || c.DryRun || view.Movable(views) == 0 {
			return err
		}
		if err := refuseExamples(want, m.Config.Local); err != nil {
			return err
		}
		if err := c.ask(p, "\nThis changes "+words.Count(view.Movable(views), "field")+" of the profile.", "yes"); err != nil {
			return err
		}
		if err := m.Client.UpdateProfile(ctx, patch); err != nil {
			return err
		}
		if err := m.recordProfile(ctx, want); err != nil {
			return err
		}
		return m.synced(ctx, p)
	})
}

// recordProfile stores what the profile looks like after a change, for the daemon and
// for status.
func (m market) recordProfile(ctx context.Context, want atelier.Profile) error {
	if err := m.Owner.Note("", "owner", "profile changed"); err != nil {
		return err
	}
	have, err := m.Client.Profile(ctx)
	if err != nil {
		return Hintf(err, "the profile was changed; %s shows it", order.Command("agent show"))
	}
	left, _ := enroll.PlanProfile(have, want)
	return errors.Join(m.Owner.OwnerKnown(have.OwnerWallet != ""), m.Owner.WalletKnown(enroll.Paid(have)),
		m.Owner.ProfileDiffers(enroll.Describe(left)))
}

// refuseExamples returns an error if the profile has a value of the docs. Such an
// address belongs to nobody.
func refuseExamples(want atelier.Profile, local bool) error {
	for _, p := range enroll.CheckAgent(want, local) {
		if p.Example {
			return Hintf(fmt.Errorf("nothing was changed: %s %s", p.Key, p.Text), "correct it in the configuration; %s checks it", order.Command("doctor"))
		}
	}
	return nil
}
