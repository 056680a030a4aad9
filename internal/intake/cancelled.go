package intake

import "atelierd/internal/order"

// This file is the owner's cancellation. It stands until the client acts or the owner
// takes it back, which the store records. Nothing else ends it: no message, no step of
// the marketplace between paid and in_progress, no change of the configuration.

// clientActed reports whether the client has sent the order back since the last
// listing.
func (v view) clientActed() bool {
	f, k := v.facts, v.known
	if f.Status.Reopened() && f.Status != k.Status {
		return true
	}
	return f.RevisionCount != nil && k.RevisionCount != nil && *f.RevisionCount > *k.RevisionCount
}

// cancelledByOwner returns what follows for an order whose cancellation by the owner
// stands. Only the marketplace's end of the order and a delivery are shown instead.
func (v view) cancelledByOwner(d order.Decision) order.Decision {
	f, k := v.facts, v.known
	switch {
	case f.Status == order.Completed:
		return v.end(d, order.StateCompleted, "the marketplace has completed the order")
	case f.Status == order.Cancelled:
		return v.end(d, order.StateCancelled, "the order was cancelled")
	case f.Status == order.Delivered && (k.Delivery != "" || len(f.Deliverables) > 0):
		return v.decideDelivered(d)
	case k.State == order.StateHeld && k.Code == order.CodeOwner && !running(k.Job):
		return v.keep(d)
	}
	return v.stop(d, order.StateHeld, hold{
		order.CodeOwner, "cancelled by you",
		"to take that back, run " + order.Command("orders retry", f.ID),
	})
}
