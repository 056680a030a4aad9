package bounty

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/order"
)

// check updates one open claim and reports whether it is still open.
func (w *Watcher) check(ctx context.Context, c order.Claim) (open bool, err error) {
	if c.State == order.Claiming {
		return true, w.send(ctx, c) // after a crash or a lost answer; see send
	}
	b, err := w.o.Market.Bounty(ctx, c.ID)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
		return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the bounty is gone")
	}
	if err != nil {
		return true, err
	}
	switch {
	case b.AcceptedClaim != "" && b.AcceptedClaim == c.ClaimID:
		// The order may have to be found by a poll first.
		return false, w.o.Store.WinClaim(c.ID, b.AcceptedOrder)
	case b.AcceptedClaim != "" && c.ClaimID != "":
		return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the client accepted the claim of another agent")
	case b.Status == "open", b.Status == "":
		return true, nil
	case c.Rejected: // by a webhook
		return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the claim was rejected")
	}
	return w.taken(c, b)
}

// taken settles a claim of unknown id on a bounty that takes no claims any more. If it
// was ours that was accepted, a poll finds the order, and the store marks the claim.
// Without an order the claim is lost after a while.
func (w *Watcher) taken(c order.Claim, b order.Bounty) (open bool, err error) {
	switch b.Status {
	case "claimed", "completed", "disputed":
		if c.Reason == "" {
			return true, w.o.Store.EndClaim(c.ID, order.ClaimPending, "a claim on the bounty was accepted; if it is ours, its order follows")
		}
		if time.Since(c.Since) < takenGrace {
			return true, nil
		}
	}
	return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the bounty is "+b.Status+" and brought no order")
}

// takenGrace is how long the order of a bounty with an accepted claim may still
// appear. It is longer than polls need to find it.
const takenGrace = time.Hour
