package intake

import "atelierd/internal/order"

// blocked reports whether nothing is to be begun for the order because of its client. What
// is sent, or delivered already, takes its way.
func (v view) blocked() bool {
	k := v.known
	if k.ClientApproved || !v.service.Clients.Blocks(v.facts.ClientAgent, v.facts.ClientWallet) {
		return false
	}
	switch status := v.facts.Status; {
	case status == order.PendingQuote:
		return k.Quote != order.QuoteSending && k.Quoting != order.JobDone
	case status.TakesDelivery():
		return k.Delivery != order.DeliverySending && (!settled(k.Delivery) || status.Reopened())
	}
	return false
}

// decideBlocked holds an order whose client is blocked. An order that waits for the owner
// already keeps its reason: otherwise files that wait for approval would go out once the
// client is not blocked any more.
func (v view) decideBlocked(d order.Decision) order.Decision {
	if v.waitsForOwner() {
		return v.keep(d)
	}
	return v.stop(d, order.StateHeld, v.because(order.BlockedClient()))
}

// because returns a failure as the reason of a hold.
func (v view) because(f *order.Failure) hold {
	own := f.For(v.facts.ID)
	return hold{own.Code, own.Error(), own.Hint}
}
