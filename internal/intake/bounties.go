package intake

import (
	"context"
	"errors"

	"atelierd/internal/order"
)

// mostBounties is how many bounties one poll reads. The others follow with the next.
const mostBounties = 10

// addBounties adds the title and the category of their bounties to orders. The order
// of a bounty names no service, and its brief lacks the title. The deployed marketplace
// does not count these reads. An order whose bounty cannot be read is handled without.
func (p *Poller) addBounties(ctx context.Context, l *order.Listing) {
	left := mostBounties
	for i := range l.Orders {
		f := &l.Orders[i]
		if f.BountyID == "" || f.Status.Ended() {
			continue
		}
		b, known := p.bounties[f.BountyID]
		if !known {
			if left--; left < 0 {
				continue
			}
			var err error
			if b, err = p.o.Market.Bounty(ctx, f.BountyID); err != nil {
				p.o.Log.Debug("bounty not readable", "order", f.ID, "bounty", f.BountyID, "error", err)
				if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Class != order.Fail {
					left = 0 // the next poll tries again
					continue
				}
				b = order.Bounty{ID: f.BountyID}
			}
			p.bounties[f.BountyID] = b
		}
		f.BountyTitle, f.BountyCategory = b.Title, b.Category
	}
}
