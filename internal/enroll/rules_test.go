package enroll

import (
	"strings"
	"testing"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

func TestTheRulesForAgents(t *testing.T) {
	t.Parallel()
	good := atelier.Profile{
		Name: "Night Owl's No. 7-B", Description: "It paints whatever you describe, in a few minutes.",
		EndpointURL: "https://owl.test", OwnerWallet: "3n7kxjoFBfmCbGkXhgFkeMtKdYBpNcRNcxU7i9tNRKKb",
	}
	for name, c := range map[string]struct {
		change func(p *atelier.Profile)
		local  bool
		want   string // part of the only problem, or empty for none
	}{
		"a good one":              {func(*atelier.Profile) {}, false, ""},
		"two characters":          {func(p *atelier.Profile) { p.Name = "Ab" }, false, "agent.name"},
		"41 characters":           {func(p *atelier.Profile) { p.Name = strings.Repeat("a", 41) }, false, "agent.name"},
		"an umlaut":               {func(p *atelier.Profile) { p.Name = "Künstler" }, false, "agent.name"},
		"a blocked word":          {func(p *atelier.Profile) { p.Name = "My Test-Agent" }, false, `"test"`},
		"a part of another word":  {func(p *atelier.Profile) { p.Name = "Contest Painter" }, false, ""},
		"a protected part":        {func(p *atelier.Profile) { p.Name = "Steamboat" }, false, `"team"`},
		"a short description":     {func(p *atelier.Profile) { p.Description = "It paints pictures." }, false, "agent.description"},
		"a banned claim":          {func(p *atelier.Profile) { p.Description += " Risk-free, with 100% success!" }, false, "agent.description"},
		"the example's name":      {func(p *atelier.Profile) { p.Name = "My Creative Agent" }, false, "agent.name"},
		"the README's name":       {func(p *atelier.Profile) { p.Name = "Night Garden Studio" }, true, "agent.name"},
		"the example's endpoint":  {func(p *atelier.Profile) { p.EndpointURL = "https://my-agent.example.com/hook" }, true, "agent.endpoint_url"},
		"an example's picture":    {func(p *atelier.Profile) { p.AvatarURL = "https://EXAMPLE.org./a.png" }, false, "agent.avatar_url"},
		"example as a part":       {func(p *atelier.Profile) { p.EndpointURL = "https://myexample.com" }, false, ""},
		"the README's wallet":     {func(p *atelier.Profile) { p.PayoutWallet = exampleWallets[0] }, true, "agent.payout_wallet"},
		"an owner of the README":  {func(p *atelier.Profile) { p.OwnerWallet = exampleWallets[0] }, false, "agent.owner_wallet"},
		"the example's on Base":   {func(p *atelier.Profile) { p.PayoutAddressBase = strings.ToLower(exampleWallets[1]) }, true, "agent.payout_address_base"},
		"a program's address":     {func(p *atelier.Profile) { p.PayoutWallet = sandboxWallets[0] }, false, "agent.payout_wallet"},
		"the same with a sandbox": {func(p *atelier.Profile) { p.PayoutWallet = sandboxWallets[0] }, true, ""},
	} {
		p := good
		c.change(&p)
		list := CheckAgent(p, c.local)
		if c.want == "" && len(list) != 0 || c.want != "" && (len(list) != 1 || !strings.Contains(list[0].Key+" "+list[0].Text, c.want)) {
			t.Errorf("%s: %+v, want %q", name, list, c.want)
		}
		if err := Registrable(p, c.local); (err == nil) != (c.want == "") {
			t.Errorf("%s: registrable %v", name, err)
		}
	}
}

func TestTheRulesForServices(t *testing.T) {
	t.Parallel()
	good := atelier.Service{Title: "Pictures  of foxes", Description: "Pictures of every kind, painted by hand, one at a time."}
	for name, c := range map[string]struct {
		change func(s *atelier.Service)
		want   string
	}{
		"a good one":                 {func(*atelier.Service) {}, ""},
		"four characters and spaces": {func(s *atelier.Service) { s.Title = " Pi   c " }, "title"},
		"81 characters":              {func(s *atelier.Service) { s.Title = strings.Repeat("a", 81) }, "title"},
		"a dash that is not ASCII":   {func(s *atelier.Service) { s.Title = "Foxes – red" }, "ASCII"},
		"a short description":        {func(s *atelier.Service) { s.Description = "Pictures of every kind." }, "description"},
		"a banned claim":             {func(s *atelier.Service) { s.Title = "Risk-free foxes" }, "bans"},
		"an example's portfolio":     {func(s *atelier.Service) { s.DemoURL = "https://example.com/portfolio" }, "demo_url"},
	} {
		s := good
		c.change(&s)
		list := CheckService(s)
		if c.want == "" && len(list) != 0 || c.want != "" && (len(list) != 1 || !strings.Contains(list[0].Key+" "+list[0].Text, c.want)) {
			t.Errorf("%s: %+v, want %q", name, list, c.want)
		}
	}
}

func TestAnOwnerWhoDiffersIsInNoPatch(t *testing.T) {
	t.Parallel()
	changes, patch := PlanProfile(atelier.Profile{OwnerWallet: "a"}, atelier.Profile{OwnerWallet: "b"})
	if len(changes) != 1 || !changes[0].Fixed || patch.OwnerWallet != nil {
		t.Errorf("%+v, %+v", changes, patch)
	}
	changes, patch = PlanProfile(atelier.Profile{}, atelier.Profile{OwnerWallet: "b"})
	if len(changes) != 1 || changes[0].Fixed || patch.OwnerWallet == nil {
		t.Errorf("%+v, %+v", changes, patch)
	}
}

// A marketplace of the guide shows neither field: that is no difference.
func TestRevisionsAndQuestionsDifferOnlyWhereTheyAreShown(t *testing.T) {
	t.Parallel()
	want := atelier.Service{Title: "Pictures", MaxRevisions: new(3), Questions: []atelier.Question{{Label: "Size?", Type: "text"}}}
	have := atelier.Service{ID: "svc_1", Title: "Pictures"}
	known := []order.Listed{}
	if p := Plan([]atelier.Service{want}, []atelier.Service{have}, known)[0]; p.Step != StepLeave {
		t.Errorf("not shown: %+v", p)
	}
	have.MaxRevisions, have.Questions = new(2), []atelier.Question{}
	p := Plan([]atelier.Service{want}, []atelier.Service{have}, known)[0]
	if p.Step != StepChange || p.Patch.MaxRevisions == nil || *p.Patch.MaxRevisions != 3 || p.Patch.Questions == nil || len(p.Changes) != 2 {
		t.Errorf("another number and no questions: %+v", p)
	}
	have.MaxRevisions, have.Questions = new(3), []atelier.Question{{Label: " Size? "}}
	if p := Plan([]atelier.Service{want}, []atelier.Service{have}, known)[0]; p.Step != StepLeave {
		t.Errorf("the same: %+v", p)
	}
}
