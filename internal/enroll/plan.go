package enroll

import (
	"encoding/json"
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
	// StepDelisted: the owner keeps it off the marketplace while it is paused.
	StepDelisted Step = "delisted"
)

// Change is one field that differs between the marketplace and the configuration.
type Change struct {
	Field    string
	Old, New string
	// Fixed means that the marketplace does not let the field be changed any more. It
	// is in no patch.
	Fixed bool
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
	found, taken := match(offers, there, known), map[int]bool{}
	for i, want := range offers {
		p := Planned{Step: StepCreate, Title: want.Title, Want: want, Retired: find(known, want.Title).State == order.ServiceRetired}
		if at := found[i]; at >= 0 {
			taken[at] = true
			p.ID, p.Step = there[at].ID, StepLeave
			if p.Changes, p.Patch = diff(there[at], want); len(p.Changes) > 0 {
				p.Step = StepChange
			}
		}
		plan = append(plan, p)
	}
	for i, have := range there {
		if !taken[i] && onSale(have) {
			plan = append(plan, Planned{Step: StepForeign, Title: have.Title, ID: have.ID})
		}
	}
	return plan
}

// Describe returns the changes in one line, with both values of each.
func Describe(changes []Change) string {
	texts := make([]string, len(changes))
	for i, c := range changes {
		texts[i] = fmt.Sprintf("%s is %s at the marketplace and %s in the configuration", c.Field, shown(c.Old), shown(c.New))
		if c.Fixed {
			texts[i] += " (cannot be changed)"
		}
	}
	return strings.Join(texts, "; ")
}

// encode returns the changes as DecodeChanges reads them.
func encode(changes []Change) string {
	if len(changes) == 0 {
		return ""
	}
	text, _ := json.Marshal(changes) // texts and a flag, which always have a JSON form
	return string(text)
}

// DecodeChanges returns what the stored state of a service has of its changes. None is
// returned for a state that was stored without them.
func DecodeChanges(l order.Listed) (changes []Change) {
	if json.Unmarshal([]byte(l.Differs), &changes) != nil {
		return nil
	}
	return changes
}

// shown quotes a value, of which it keeps the beginning.
func shown(value string) string {
	const most = 60
	if value == "" {
		return "empty"
	}
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "…"
	}
	return strconv.Quote(value)
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
		changes = append(changes, Change{Field: field, Old: before, New: after})
		return true
	}
	if differ("title", order.NormalTitle(have.Title), order.NormalTitle(want.Title)) {
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
		changes = append(changes, Change{Field: "deliverables", Old: strings.Join(have.Deliverables, "; "), New: strings.Join(list, "; ")})
		patch.Deliverables = &list
	}
	if want.DemoURL != "" && differ("demo_url", have.DemoURL, want.DemoURL) {
		patch.DemoURL = &want.DemoURL
	}
	if want.QuotaLimit != nil && differ("quota_limit", quota(have.QuotaLimit), quota(want.QuotaLimit)) {
		patch.QuotaLimit = want.QuotaLimit
	}
	// A marketplace that does not know the field does not show it.
	if have.MaxRevisions != nil && want.MaxRevisions != nil && differ("max_revisions", quota(have.MaxRevisions), quota(want.MaxRevisions)) {
		patch.MaxRevisions = want.MaxRevisions
	}
	if have.Questions != nil && len(want.Questions) > 0 && !slices.EqualFunc(have.Questions, want.Questions, atelier.Question.Same) {
		differ("requirement_fields", list(have.Questions), list(want.Questions))
		patch.Questions = &want.Questions
	}
	return changes, patch
}

// list formats questions.
func list(questions []atelier.Question) string {
	texts := make([]string, len(questions))
	for i, q := range questions {
		texts[i] = q.String()
	}
	return strings.Join(texts, "; ")
}

// quota formats a limit. Nil is 0, which means no limit.
func quota(n *int) string {
	if n == nil {
		return "0"
	}
	return fmt.Sprint(*n)
}
