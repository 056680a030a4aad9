package intake

import (
	"slices"
	"time"

	"atelierd/internal/order"
)

// Service is what intake knows of a service that the owner offers.
type Service struct {
	Title string
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
	// Templates names the message templates that are on.
	Templates []string
	// Claims are our open claims on bounties for the service. Each may become an
	// order.
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
	bounty  string // the id of the bounty that the order comes from, if any
	ok      bool
}

// find returns the service that an order is for. In this order it is the one that
// the order names by id or by title, the one that it had before, the one with a claim
// on the bounty that became the order, or the only one there is.
func (c Catalog) find(f order.Facts, before string) match {
	for _, s := range c {
		if f.ServiceID != "" && s.RemoteID == f.ServiceID {
			return match{service: s, ok: true}
		}
	}
	for _, title := range []string{f.ServiceTitle, before} {
		for _, s := range c {
			if title != "" && order.SameTitle(s.Title, title) {
				return match{service: s, ok: true}
			}
		}
	}
	for _, s := range c {
		for _, claim := range s.Claims {
			// The deployed marketplace names no service in the order of a bounty, but
			// copies the brief and the budget.
			if f.ServiceID == "" && f.Brief == claim.Brief && f.Price != nil && *f.Price == claim.Budget {
				return match{s, claim.ID, true}
			}
		}
	}
	if len(c) == 1 {
		return match{service: c[0], ok: true}
	}
	return match{}
}
