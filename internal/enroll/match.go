package enroll

import (
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// match finds each offer among the services at the marketplace: by the id that is
// known of it, or else by its title as the marketplace stores titles. An offer that
// was sent without an answer is also found by its text, in case the marketplace has
// changed the title. The result has the index in there for each offer, or -1.
func match(offers, there []atelier.Service, known []order.Listed) []int {
	found, taken := make([]int, len(offers)), map[int]bool{}
	for i := range found {
		found[i] = -1
	}
	pass := func(same func(want, have atelier.Service, memory order.Listed) bool) {
		for i, want := range offers {
			memory := find(known, want.Title)
			for j, have := range there {
				if found[i] < 0 && !taken[j] && onSale(have) && same(want, have, memory) {
					found[i], taken[j] = j, true
				}
			}
		}
	}
	pass(func(_, have atelier.Service, memory order.Listed) bool {
		return memory.RemoteID != "" && have.ID == memory.RemoteID
	})
	pass(func(want, have atelier.Service, _ order.Listed) bool { return order.SameTitle(want.Title, have.Title) })
	pass(func(want, have atelier.Service, memory order.Listed) bool {
		return memory.State == order.ServiceCreating && sameText(want.Description, have.Description) &&
			want.Category == have.Category && want.Price == have.Price && want.PriceType == have.PriceType
	})
	return found
}

// onSale reports whether clients can order a service of a listing.
func onSale(s atelier.Service) bool { return s.Active == nil || *s.Active }

func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// find returns what is known of the service with the title.
func find(list []order.Listed, title string) order.Listed {
	for _, l := range list {
		if l.Title == title {
			return l
		}
	}
	for _, l := range list {
		if order.SameTitle(l.Title, title) {
			return l
		}
	}
	return order.Listed{}
}
