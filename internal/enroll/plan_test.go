package enroll

import (
	"reflect"
	"testing"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

func TestAPlanHoldsOnlyTheFieldsThatDiffer(t *testing.T) {
	t.Parallel()
	zero, five := 0, 5
	off := false
	want := atelier.Service{
		Title: "Pictures", Description: "All kinds.", Category: "image_gen", Price: 5 * order.Dollar,
		PriceType: "fixed", TurnaroundHours: 2, Deliverables: []string{"one"},
	}
	same := want
	same.ID, same.Title, same.Description, same.QuotaLimit, same.DemoURL = "svc_1", " pictures ", "All kinds. ", &zero, "https://d"
	dearer := want
	dearer.ID, dearer.Price, dearer.Deliverables = "svc_1", 4*order.Dollar, nil
	renamed := want
	renamed.ID, renamed.Title = "svc_9", "Old title"
	gone := want
	gone.ID, gone.Active = "svc_1", &off
	weekly := want
	weekly.PriceType, weekly.QuotaLimit = "weekly", &five
	listed := func(id string, state order.ListedState) []order.Listed {
		return []order.Listed{{Title: "Pictures", RemoteID: id, State: state}}
	}
	for name, c := range map[string]struct {
		want    atelier.Service
		there   []atelier.Service
		known   []order.Listed
		steps   []Step
		changes []Change
	}{
		"not there":                  {want, nil, nil, []Step{StepCreate}, nil},
		"there in another spelling":  {want, []atelier.Service{same}, nil, []Step{StepChange}, []Change{{Field: "title", Old: "pictures", New: "Pictures"}}},
		"cheaper, and without files": {want, []atelier.Service{dearer}, nil, []Step{StepChange}, []Change{{Field: "price_usd", Old: "4.00", New: "5.00"}, {Field: "deliverables", Old: "", New: "one"}}},
		"known by its id":            {want, []atelier.Service{renamed}, listed("svc_9", order.ServiceListed), []Step{StepChange}, []Change{{Field: "title", Old: "Old title", New: "Pictures"}}},
		"not known by its id":        {want, []atelier.Service{renamed}, nil, []Step{StepCreate, StepForeign}, nil},
		"deleted":                    {want, []atelier.Service{gone}, nil, []Step{StepCreate}, nil},
		"with another quota":         {weekly, []atelier.Service{same}, nil, []Step{StepChange}, []Change{{Field: "title", Old: "pictures", New: "Pictures"}, {Field: "price_type", Old: "fixed", New: "weekly"}, {Field: "quota_limit", Old: "0", New: "5"}}},
	} {
		plan := Plan([]atelier.Service{c.want}, c.there, c.known)
		var steps []Step
		for _, p := range plan {
			steps = append(steps, p.Step)
		}
		if !reflect.DeepEqual(steps, c.steps) || !reflect.DeepEqual(plan[0].Changes, c.changes) {
			t.Errorf("%s: steps %v, changes %v; want %v, %v", name, steps, plan[0].Changes, c.steps, c.changes)
		}
	}
	plan := Plan([]atelier.Service{want}, []atelier.Service{dearer}, nil)
	price, files := "5.00", []string{"one"}
	if got := (atelier.ServicePatch{PriceUSD: &price, Deliverables: &files}); !reflect.DeepEqual(plan[0].Patch, got) {
		t.Errorf("the patch is %+v", plan[0].Patch)
	}
	if p := Plan([]atelier.Service{want}, nil, listed("svc_1", order.ServiceRetired)); !p[0].Retired {
		t.Error("the plan does not mark a retired service")
	}
}

func TestAProfileIsChangedOnlyInTheFieldsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	have := atelier.Profile{Name: "Old", Description: "same", PayoutWallet: "w1", Capabilities: []string{"b", "a"}}
	changes, patch := PlanProfile(have, atelier.Profile{Name: "New", Description: "same", Capabilities: []string{"a", "b"}})
	if !reflect.DeepEqual(changes, []Change{{Field: "name", Old: "Old", New: "New"}}) || patch.Name == nil || patch.PayoutWallet != nil || patch.Capabilities != nil {
		t.Errorf("changes %v, patch %+v", changes, patch)
	}
}
