package enroll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// hintProfileSync is the way to change a profile that differs.
var hintProfileSync = order.Command("agent sync") + " changes it at the marketplace"

// setProfile reads the profile and records whether there is a wallet and an owner,
// which the owner of the agent may have set on the marketplace's page. Until that has
// worked once it also sets the addresses of the configuration that differ. It reports
// what else differs.
func (s *Setup) setProfile(ctx context.Context) error {
	have, err := s.o.Market.Profile(ctx)
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	if !s.profile {
		want, owner := s.settable(), have.OwnerWallet
		if err := s.setPayout(ctx, &have, want); err != nil {
			return err
		}
		err = errors.Join(s.setRest(ctx, &have, want), s.setOwner(ctx, &have, want))
		if have.OwnerWallet != owner && have.Marketable != nil {
			after, failed := s.o.Market.Profile(ctx) // the owner may have made the agent visible
			have.Marketable, err = after.Marketable, errors.Join(err, failed)
		}
	}
	paid, owned := Paid(have), have.OwnerWallet != ""
	err = errors.Join(err, s.o.Store.WalletKnown(paid), s.o.Store.OwnerKnown(owned), s.reportProfile(have), s.o.Store.SetAlert(order.AlertHidden, s.hidden(have)))
	s.profile, s.lacking = s.profile || err == nil, !paid || !owned
	s.reportLacking(have)
	return err
}

// hidden says that clients cannot find the agent, or is empty. A dry run has no clients.
func (s *Setup) hidden(have atelier.Profile) string {
	if have.Marketable == nil || *have.Marketable || len(s.o.Offers) == 0 {
		return ""
	}
	if have.OwnerWallet == "" {
		return "the marketplace hides the agent from clients until it has an owner"
	}
	return "the marketplace hides the agent from clients"
}

// reportLacking logs, once, which wallets keep clients from the agent. A dry run has no
// clients.
func (s *Setup) reportLacking(have atelier.Profile) {
	var keys []string
	if have.Marketable != nil && !*have.Marketable && have.OwnerWallet == "" {
		keys = append(keys, "agent.owner_wallet")
	}
	if !Paid(have) {
		keys = append(keys, "agent.payout_wallet")
	}
	text := strings.Join(keys, " and ")
	if text != "" && text != s.reported["wallets"] && len(s.o.Offers) > 0 {
		s.o.Log.Warn("clients cannot find or hire the agent until it has its wallets", "missing", text, "hint", "set "+text+" and run "+order.Command("reload"))
	}
	s.reported["wallets"] = text
}

// setPayout sets the payout wallet.
func (s *Setup) setPayout(ctx context.Context, have *atelier.Profile, want atelier.Profile) error {
	if want.PayoutWallet == "" || have.PayoutWallet == want.PayoutWallet {
		return nil
	}
	if err := s.o.Market.UpdateProfile(ctx, atelier.ProfilePatch{PayoutWallet: &want.PayoutWallet}); err != nil {
		return fmt.Errorf("set the payout wallet: %w", err)
	}
	s.o.Log.Info("payout wallet set", "wallet", want.PayoutWallet)
	have.PayoutWallet = want.PayoutWallet
	return nil
}

// Paid reports whether the profile says where payouts go.
func Paid(p atelier.Profile) bool {
	if p.PayoutChain == "base" {
		return p.PayoutAddressBase != ""
	}
	return p.PayoutWallet != "" || p.OwnerWallet != ""
}

// settable is the part of the profile that the daemon sets by itself. Addresses of the
// docs are left out: they belong to nobody.
func (s *Setup) settable() atelier.Profile {
	p := s.o.Profile
	if len(s.o.Offers) == 0 {
		return atelier.Profile{}
	}
	for _, address := range []*string{&p.PayoutWallet, &p.OwnerWallet, &p.PayoutAddressBase} {
		if exampleWallet(*address, s.o.Local) {
			*address = ""
		}
	}
	return atelier.Profile{
		PayoutWallet: p.PayoutWallet, OwnerWallet: p.OwnerWallet, PayoutAddressBase: p.PayoutAddressBase,
		PayoutChain: p.PayoutChain, AIModels: p.AIModels,
	}
}

// setRest sets the address on Base, the chain and the AI models.
func (s *Setup) setRest(ctx context.Context, have *atelier.Profile, want atelier.Profile) error {
	want.PayoutWallet, want.OwnerWallet = "", ""
	if want.PayoutAddressBase == "" && want.PayoutChain == "base" {
		want.PayoutChain = ""
	}
	changes, patch := PlanProfile(*have, want)
	if len(changes) == 0 {
		return nil
	}
	if err := s.o.Market.UpdateProfile(ctx, patch); err != nil {
		return s.tolerate("set "+fieldsOf(changes), err)
	}
	s.o.Log.Info("profile changed", "fields", fieldsOf(changes))
	for _, c := range changes {
		switch c.Field {
		case "payout_address_base":
			have.PayoutAddressBase = c.New
		case "payout_chain":
			have.PayoutChain = c.New
		case "ai_models":
			have.AIModels = want.AIModels
		}
	}
	return nil
}

// setOwner sets the owner's wallet of an agent that has none. It cannot be changed
// later, so another one is never sent.
func (s *Setup) setOwner(ctx context.Context, have *atelier.Profile, want atelier.Profile) error {
	if want.OwnerWallet == "" || have.OwnerWallet != "" {
		return nil
	}
	if err := s.o.Market.UpdateProfile(ctx, atelier.ProfilePatch{OwnerWallet: &want.OwnerWallet}); err != nil {
		return s.tolerate("set the owner's wallet", err)
	}
	s.o.Log.Info("owner's wallet set, once and for all", "wallet", want.OwnerWallet)
	have.OwnerWallet = want.OwnerWallet
	return nil
}

// tolerate logs a refusal, which trying again would not change, and returns nil. It
// returns any other error.
func (s *Setup) tolerate(what string, err error) error {
	call, ok := errors.AsType[*atelier.CallError](err)
	if !ok || call.Status < 400 || call.Status >= 500 || call.Status == http.StatusUnauthorized || call.Status == http.StatusTooManyRequests {
		return fmt.Errorf("%s: %w", what, err)
	}
	if f, isFail := errors.AsType[*order.Failure](err); isFail && f.Class != order.Fail && f.Class != order.Hold {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.o.Log.Error("the marketplace refuses a change of the profile", append([]any{"change", what, "error", err}, hintOf(err)...)...)
	return nil
}

func fieldsOf(changes []Change) string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Field
	}
	return strings.Join(names, ", ")
}

// reportProfile logs and records what differs from the configuration.
func (s *Setup) reportProfile(have atelier.Profile) error {
	changes, _ := PlanProfile(have, s.o.Profile)
	text := Describe(changes)
	if text != "" && s.reported["profile"] != text {
		s.o.Log.Warn("the profile differs from the configuration", "differs", text, "hint", hintProfileSync)
	}
	s.reported["profile"] = text
	return s.o.Store.ProfileDiffers(text)
}

// PlanProfile returns the fields in which the profile differs from the configuration,
// and the patch for them. Fields that the configuration does not set are ignored. The
// owner's wallet can be set only once: another one is Fixed and not in the patch.
func PlanProfile(have, want atelier.Profile) ([]Change, atelier.ProfilePatch) {
	var changes []Change
	var patch atelier.ProfilePatch
	for _, f := range []struct {
		name         string
		before, want string
		into         **string
	}{
		{"name", have.Name, want.Name, &patch.Name},
		{"description", have.Description, want.Description, &patch.Description},
		{"endpoint_url", have.EndpointURL, want.EndpointURL, &patch.EndpointURL},
		{"avatar_url", have.AvatarURL, want.AvatarURL, &patch.AvatarURL},
		{"owner_wallet", have.OwnerWallet, want.OwnerWallet, &patch.OwnerWallet},
		{"payout_wallet", have.PayoutWallet, want.PayoutWallet, &patch.PayoutWallet},
		{"payout_address_base", have.PayoutAddressBase, want.PayoutAddressBase, &patch.PayoutAddressBase},
		{"payout_chain", have.PayoutChain, want.PayoutChain, &patch.PayoutChain},
	} {
		// The case of an address on Base is a checksum only.
		same := f.before == f.want || f.name == "payout_address_base" && strings.EqualFold(f.before, f.want)
		if f.want == "" || same || strings.TrimSpace(f.before) == f.want {
			continue
		}
		c := Change{Field: f.name, Old: f.before, New: f.want}
		if c.Fixed = f.name == "owner_wallet" && f.before != ""; !c.Fixed {
			*f.into = &f.want
		}
		changes = append(changes, c)
	}
	for _, f := range []struct {
		name         string
		before, want []string
		into         *[]string
	}{
		{"capabilities", have.Capabilities, want.Capabilities, &patch.Capabilities},
		{"ai_models", have.AIModels, want.AIModels, &patch.AIModels},
	} {
		if len(f.want) > 0 && !sameSet(f.before, f.want) {
			changes = append(changes, Change{Field: f.name, Old: strings.Join(f.before, ", "), New: strings.Join(f.want, ", ")})
			*f.into = f.want
		}
	}
	return changes, patch
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
