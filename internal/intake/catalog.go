package intake

import (
	"slices"
	"time"

	"atelierd/internal/order"
)

// Service is what intake knows of a service that the owner offers.
type Service struct {
	Title string
	// Category is the marketplace's category, by which orders of bounties are matched.
	Category string
	// RemoteID is the marketplace's id of the service; empty while it is unknown.
	RemoteID string
	// Turnaround is the time from an order to its deadline; 0 means 24 h.
	Turnaround time.Duration
	// Subscription is the length of the paid window of a weekly or monthly service;
	// 0 for any other. Such an order is many pieces and one delivery at the end.
	Subscription time.Duration
	// Pieces makes each message of the client in the window of a subscription ask
	// for a piece. Without it such an order waits for the owner.
	Pieces bool
	// Quota is the number of pieces in a window if the marketplace does not say; 0
	// means no limit.
	Quota int
	// MaxRounds is how many rounds a client may ask for after the first.
	MaxRounds int
	// Quotes reports that the daemon can name a price. Without it the owner does.
	Quotes bool
	// Answers reports that the assistant answers clients.
	Answers bool
	// Templates names the message templates that are on.
	Templates []string
	// Clients are the owner's rules for clients.
	Clients order.ClientRules
	// Claims are our claims on bounties for the service. Each that is open may become
	// an order, and one that counts as lost may have been won nevertheless.
	Claims []order.Claim
}

// message returns the message with the reason if its template is on.
func (s Service) message(template, reason string) []order.NewMessage {
	if slices.Contains(s.Templates, template) {
		return []order.NewMessage{{Reason: reason}}
	}
	return nil
}

// Catalog is the services on offer.
type Catalog []Service

// defaultTurnaround is the turnaround of an order whose service is unknown.
const defaultTurnaround = 24 * time.Hour

// match is the service that an order is for.
type match struct {
	service Service
	claim   order.Claim // on the bounty that the order comes from, if it is ours
	ok      bool
}

// find returns the service that an order is for. Once the owner has named it or work
// has begun, it stays the same. Otherwise it is, in this order, the one that the order
// names by id or by title, the one that it had before, the one whose bounty became the
// order, or the only one there is.
func (c Catalog) find(f order.Facts, k order.Known) match {
	if k.Service != "" && (k.Assigned || k.Begun) {
		return c.titled(k.Service)
	}
	for _, s := range c {
		if f.ServiceID != "" && s.RemoteID == f.ServiceID {
			return match{service: s, ok: true}
		}
	}
	for _, title := range []string{f.ServiceTitle, k.Service} {
		if m := c.titled(title); m.ok {
			return m
		}
	}
	if m := c.claimed(f); m.ok {
		return m
	}
	if f.BountyID != "" {
		return c.ofCategory(f.BountyCategory)
	}
	// An order that was for another service is not for the one that is left.
	if len(c) == 1 && k.Service == "" {
		return match{service: c[0], ok: true}
	}
	return match{}
}

func (c Catalog) titled(title string) match {
	for _, s := range c {
		if title != "" && order.SameTitle(s.Title, title) {
			return match{service: s, ok: true}
		}
	}
	return match{}
}

// claimed finds our claim on the bounty that became the order. A marketplace that
// names neither the service nor the bounty copies the brief and the budget.
func (c Catalog) claimed(f order.Facts) match {
	for _, s := range c {
		for _, claim := range s.Claims {
			open := claim.State == order.Claiming || claim.State == order.ClaimPending
			same := open && f.ServiceID == "" && f.Brief == claim.Brief && f.Price != nil && *f.Price == claim.Budget
			if f.BountyID == claim.ID || claim.OrderID == f.ID || f.BountyID == "" && same {
				return match{s, claim, true}
			}
		}
	}
	return match{}
}

// ofCategory returns the only service of a category. Windows are not for single tasks.
func (c Catalog) ofCategory(category string) (m match) {
	for _, s := range c {
		if category == "" || s.Category != category || s.Subscription > 0 {
			continue
		}
		if m.ok {
			return match{}
		}
		m = match{service: s, ok: true}
	}
	return m
}
