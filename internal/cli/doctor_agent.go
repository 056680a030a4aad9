package cli

import (
	"slices"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
)

// agent checks the profile of the configuration. What the marketplace refuses fails
// before there is an agent. A value of the docs always fails, because it would pay out
// to nobody.
func (d *doctor) agent(registered bool) {
	list := enroll.CheckAgent(app.ConfiguredProfile(d.cfg), d.cfg.Local)
	for _, p := range list {
		report := d.fail
		if registered && !p.Example {
			report = d.warn
		}
		report("agent", "correct "+p.Key+" in the configuration", "%s %s", p.Key, p.Text)
	}
}

// owner checks the owner's wallet, on which bounties and the recovery of a lost key
// depend. have is nil while the profile is unknown.
func (d *doctor) owner(have *atelier.Profile) {
	const name, lacks = "owner", "without an owner the agent cannot claim bounties, and a lost key cannot be recovered"
	want := d.cfg.Agent.OwnerWallet
	example := slices.ContainsFunc(enroll.CheckAgent(atelier.Profile{OwnerWallet: want}, d.cfg.Local), func(p enroll.Problem) bool { return p.Example })
	switch {
	case have != nil && have.OwnerWallet != "" && want != "" && have.OwnerWallet != want:
		d.warn(name, "set agent.owner_wallet to "+have.OwnerWallet+", or remove it", "agent.owner_wallet differs (cannot be changed): it is %s at the marketplace", have.OwnerWallet)
	case have != nil && have.OwnerWallet != "":
		d.ok(name, "the agent belongs to %s", have.OwnerWallet)
	case want == "" || example:
		d.warn(name, "set agent.owner_wallet to your own Solana address; "+order.Command("run")+" sends it, once and for all", "none is set: %s", lacks)
	case len(app.Offered(d.cfg)) == 0:
		d.warn(name, "set the mode of a service to auto or review", "agent.owner_wallet is not sent while every service is in mode dry-run; %s", lacks)
	default:
		d.warn(name, order.Command("run")+" sends it, once and for all", "the marketplace does not have agent.owner_wallet yet; %s", lacks)
	}
}

// profile checks whether the profile is as the configuration says. Other checks are
// about its wallets.
func (d *doctor) profile(have atelier.Profile) {
	want := app.ConfiguredProfile(d.cfg)
	want.OwnerWallet, want.PayoutWallet = "", ""
	if changes, _ := enroll.PlanProfile(have, want); len(changes) > 0 {
		d.warn("profile", order.Command("agent sync")+" changes it at the marketplace", "differs: %s", enroll.Describe(changes))
	}
}
