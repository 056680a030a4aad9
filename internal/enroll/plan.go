package enroll

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// Step says what is to be done about one service.
type Step string

// The steps of a plan.
const (
	StepCreate  Step = "create"
	StepChange  Step = "change"
	StepLeave   Step = "leave"
	StepForeign Step = "foreign" // at the marketplace, and not in the configuration
)

// Change is one field that differs.
type Change struct {
	Field    string
	Old, New string
}

// Planned is what a sync would do about one service.
type Planned struct {
	Step    Step
	Title   string
	ID      string // at the marketplace; empty when it is not there
	Changes []Change
	// Retired: the owner took it off the market; a sync lists it again.
	Retired bool

	Want  atelier.Service
	Patch atelier.ServicePatch
}

// Plan compares the offers with the services at the marketplace, matched by the
// id that we remember, or by title. Changing nothing, it can be shown first.
func Plan(offers []atelier.Service, there []atelier.Service, known []order.Listed) []Planned {
	var plan []Planned
	taken := map[string]bool{}
	for _, want := range offers {
		memory := find(known, want.Title)
		p := Planned{Step: StepCreate, Title: want.Title, Want: want, Retired: memory.State == order.ServiceRetired}
		for _, have := range there {
			gone := have.Active != nil && !*have.Active
			if gone || taken[have.ID] || have.ID != memory.RemoteID && !sameTitle(have.Title, want.Title) {
				continue
			}
			taken[have.ID] = true
			p.ID, p.Step = have.ID, StepLeave
			if p.Changes, p.Patch = diff(have, want); len(p.Changes) > 0 {
				p.Step = StepChange
			}
			break
		}
		plan = append(plan, p)
	}
	for _, have := range there {
		if !taken[have.ID] && (have.Active == nil || *have.Active) {
			plan = append(plan, Planned{Step: StepForeign, Title: have.Title, ID: have.ID})
		}
	}
	return plan
}

// diff gives the fields in which have is not what we want. A field that the
// configuration does not set is left as it is.
func diff(have, want atelier.Service) ([]Change, atelier.ServicePatch) {
	var changes []Change
	var patch atelier.ServicePatch
	differ := func(field, before, after string) bool {
		if strings.TrimSpace(before) == strings.TrimSpace(after) {
			return false
		}
		changes = append(changes, Change{field, before, after})
		return true
	}
	if differ("title", have.Title, want.Title) {
		patch.Title = &want.Title
	}
	if differ("description", have.Description, want.Description) {
		patch.Description = &want.Description
	}
	if differ("category", have.Category, want.Category) {
		patch.Category = &want.Category
	}
	if differ("price_usd", have.Price.String(), want.Price.String()) {
		price := want.Price.String()
		patch.PriceUSD = &price
	}
	if differ("price_type", have.PriceType, want.PriceType) {
		patch.PriceType = &want.PriceType
	}
	if want.TurnaroundHours != 0 && differ("turnaround_hours", strconv.Itoa(have.TurnaroundHours), strconv.Itoa(want.TurnaroundHours)) {
		patch.TurnaroundHours = &want.TurnaroundHours
	}
	if !slices.Equal(have.Deliverables, want.Deliverables) && len(have.Deliverables)+len(want.Deliverables) > 0 {
		list := append([]string{}, want.Deliverables...)
		changes = append(changes, Change{"deliverables", strings.Join(have.Deliverables, "; "), strings.Join(list, "; ")})
		patch.Deliverables = &list
	}
	if want.DemoURL != "" && differ("demo_url", have.DemoURL, want.DemoURL) {
		patch.DemoURL = &want.DemoURL
	}
	if want.QuotaLimit != nil && differ("quota_limit", quota(have.QuotaLimit), quota(want.QuotaLimit)) {
		patch.QuotaLimit = want.QuotaLimit
	}
	return changes, patch
}

// quota shows a limit; none is 0, which is without limit.
func quota(n *int) string {
	if n == nil {
		return "0"
	}
	return fmt.Sprint(*n)
}

// PlanProfile compares the profile with what the configuration says of it. What
// it does not say is left alone.
func PlanProfile(have atelier.Profile, want atelier.Profile) ([]Change, atelier.ProfilePatch) {
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
	} {
		if f.want != "" && strings.TrimSpace(f.before) != f.want {
			changes = append(changes, Change{f.name, f.before, f.want})
			*f.into = &f.want
		}
	}
	if len(want.Capabilities) > 0 && !sameSet(have.Capabilities, want.Capabilities) {
		changes = append(changes, Change{"capabilities", strings.Join(have.Capabilities, ", "), strings.Join(want.Capabilities, ", ")})
		patch.Capabilities = want.Capabilities
	}
	return changes, patch
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
