package enroll

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// Step is what a sync does about one service.
type Step string

// The steps of a plan.
const (
	StepCreate  Step = "create"
	StepChange  Step = "change"
	StepLeave   Step = "leave"
	StepForeign Step = "foreign" // at the marketplace, but not in the configuration
)

// Change is one field that differs between the marketplace and the configuration.
type Change struct {
	Field    string
	Old, New string
}

// Planned is what a sync would do about one service.
type Planned struct {
	Step    Step
	Title   string
	ID      string // the marketplace's id; empty if the service is not there
	Changes []Change
	// Retired reports that the owner took the service off the marketplace. A sync
	// lists it again.
	Retired bool

	Want  atelier.Service
	Patch atelier.ServicePatch
}

// Plan returns what a sync would do to bring the services at the marketplace in line
// with the offers. A service is matched by the id in known, or else by title. Plan
// changes nothing, so that the owner can see it first.
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

// diff returns the fields in which have differs from want, and the patch for them.
// Fields that the configuration does not set are ignored.
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

// quota formats a limit. Nil is 0, which means no limit.
func quota(n *int) string {
	if n == nil {
		return "0"
	}
	return fmt.Sprint(*n)
}

// PlanProfile returns the fields in which the profile differs from the configuration,
// and the patch for them. Fields that the configuration does not set are ignored.
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
