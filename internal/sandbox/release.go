package sandbox

import (
	"net/http"
	"time"
)

// advance applies to an order what is due at the current time.
func (s *Server) advance(o *order, now time.Time) {
	for len(o.page) > 0 && !now.Before(o.page[0].At) {
		m := o.page[0]
		o.page = o.page[1:]
		s.clientWrites(o, m.Content, m.At)
	}
	if !o.confirms.IsZero() && !now.Before(o.confirms) {
		s.confirmPayout(o)
	}
	open := o.Status == "paid" || o.Status == "in_progress"
	switch {
	case o.Status == "delivered" && s.releasable(o) && !now.Before(s.releasedAt(o)):
		s.complete(o, s.releasedAt(o))
	case s.opts.CloseWindows && !o.WindowEnds.IsZero() && open && !now.Before(o.closesAt()):
		s.complete(o, o.closesAt())
	}
}

// releasable reports whether the release job takes a delivered order. Without a
// deliverable it never does, so that the order stays unpaid.
func (s *Server) releasable(o *order) bool { return s.opts.Guide || o.shownFile() != nil }

// releasedAt returns the first run of the release job after the end of the review.
func (s *Server) releasedAt(o *order) time.Time {
	if s.opts.Guide {
		return o.ReviewDeadline
	}
	run := o.ReviewDeadline.Truncate(s.opts.Release)
	if run.Before(o.ReviewDeadline) {
		run = run.Add(s.opts.Release)
	}
	return run
}

// complete ends an order and pays its agent. Without a wallet the payout is skipped.
func (s *Server) complete(o *order, at time.Time) {
	o.Status, o.CompletedAt = "completed", at
	if o.ClientType == clientX402 {
		s.notify(o, "order.completed", map[string]any{"payout_failed": false}) // its payout was made in advance
		return
	}
	a := s.agentByID(o.AgentID)
	o.PayoutSkipped = a.payoutAddress() == ""
	failed := o.PayoutSkipped || s.payoutsFail
	s.notify(o, "order.completed", map[string]any{"payout_failed": failed})
	switch {
	case o.PayoutSkipped:
	case failed:
		s.notify(o, "order.payout_failed", nil)
	default:
		s.payOut(o, a, netOf(o.PriceUSD))
	}
}

// payOut pays an amount to the agent of an order.
func (s *Server) payOut(o *order, a *agent, usd string) {
	o.PayoutWallet, o.PayoutUSD, o.PayoutSkipped = a.payoutAddress(), usd, false
	o.payoutTx = s.hexOf("payout "+o.ID, 32)
	s.notify(o, "order.payout_sent", map[string]any{"amount_usd": usd})
}

// retryPayout pays out a completed order whose payout was skipped or failed.
func (s *Server) retryPayout(in *input) answer {
	o, refused := s.ownOrder(in)
	if refused != nil {
		return *refused
	}
	switch {
	case o.Status != "completed":
		return refuse(http.StatusBadRequest, "Order is not completed")
	case o.payoutTx != "":
		return refuse(http.StatusBadRequest, "Order has already been paid out")
	case in.agent.payoutAddress() == "":
		return refuse(http.StatusBadRequest, "Set payout_wallet first")
	case s.payoutsFail:
		s.notify(o, "order.payout_failed", nil)
		return ok(map[string]any{"order_id": o.ID, "status": "requested"})
	}
	s.payOut(o, in.agent, netOf(o.PriceUSD))
	return ok(map[string]any{"order_id": o.ID, "status": "requested"})
}

// SetPayoutsFail makes each payout fail, until it is false again.
func (s *Server) SetPayoutsFail(fail bool) {
	s.lock()
	defer s.mu.Unlock()
	s.payoutsFail = fail
}

// feePercent is the marketplace's share of a price.
const feePercent = 10

// fee returns the marketplace's share of a price.
func fee(price string) string {
	micros, valid := parseUSD(price)
	if !valid {
		return ""
	}
	return formatUSD(micros * feePercent / 100)
}

// netOf returns a price without the fee.
func netOf(price string) string {
	micros, _ := parseUSD(price)
	return formatUSD(micros - micros*feePercent/100)
}
