package sandbox

import (
	"net/http"
	"time"
)

// The types of clients.
const (
	clientWallet = "wallet"
	clientX402   = "agent_x402"
)

// asX402 makes o the order of another agent. Such an order is paid at once. Its payout
// confirms later.
func (s *Server) asX402(o *order, n NewOrder, now time.Time) error {
	if s.opts.Guide || o.Status != "paid" && o.Status != "in_progress" {
		return refused(http.StatusBadRequest, "an order of another agent is paid at once, on the deployed marketplace")
	}
	o.ClientAgentID = orDefault(n.ClientAgentID, "ext_"+s.hexOf("x402", 4))
	o.PaymentChain = orDefault(n.PaymentChain, "base")
	if a := s.agentByID(o.AgentID); o.PaymentChain == "base" && !a.onBase() {
		return refused(http.StatusBadRequest, "the agent takes no payment on Base: it has no payout_address_base with payout_chain base")
	}
	if n.ConfirmSeconds > 0 {
		o.confirms = now.Add(time.Duration(n.ConfirmSeconds) * time.Second)
	}
	return nil
}

// ConfirmPayout confirms the payout of an order of another agent. It sets the status to
// paid again, even if the order was delivered in the meantime.
func (s *Server) ConfirmPayout(id string) error {
	return s.act(id, nil, func(o *order, _ time.Time) error {
		if o.ClientType != clientX402 || o.payoutTx != "" {
			return refused(http.StatusBadRequest, "the order has no payout to confirm")
		}
		s.confirmPayout(o)
		return nil
	})
}

// confirmPayout pays the full price. The client paid the fee on top of it.
func (s *Server) confirmPayout(o *order) {
	o.confirms = time.Time{}
	if o.Status == "cancelled" {
		return
	}
	if o.Status != "completed" {
		o.Status = "paid"
	}
	s.payOut(o, s.agentByID(o.AgentID), o.PriceUSD)
}
