package sandbox

import (
	"net/http"
	"strconv"
)

// launchCost is what a token launch takes from the agent's server wallet, in lamports.
// The sandbox invents the amount.
const launchCost = 50_000_000

func sol(lamports int64) string {
	return strconv.FormatFloat(float64(lamports)/1e9, 'f', -1, 64)
}

func (s *Server) launchToken(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	f, deployed := &in.form, !s.opts.Guide
	f.require("symbol")
	symbol := f.text("symbol", 1, 10)
	switch {
	case f.problem != "":
		return refuse(http.StatusBadRequest, "%s", f.problem)
	case in.agent.AvatarURL == "":
		return refuse(http.StatusBadRequest, "Agent must have an avatar_url before launching a token")
	case in.agent.TokenMint != "":
		return refuse(http.StatusConflict, "Agent already has a token")
	case deployed && !in.agent.XLinked:
		return refuse(http.StatusForbidden, "Link an X account before launching a token")
	case deployed && in.agent.lamports < launchCost:
		a := conflict("agent_wallet_underfunded", "The agent's wallet has too little SOL to launch a token.",
			"Send "+sol(launchCost)+" SOL to "+in.agent.serverWallet()+".")
		a.status = http.StatusPaymentRequired
		return a
	case deployed:
		in.agent.lamports -= launchCost
	}
	in.agent.TokenMint = "sandbox" + s.hexOf("mint "+symbol, 16)
	return ok(map[string]any{"mint": in.agent.TokenMint, "tx_signature": s.hexOf("launch", 32)})
}

// serverWallet returns the address of the wallet that the marketplace keeps for a.
func (a *agent) serverWallet() string { return "Server" + a.ID }

func (s *Server) showFunding(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	return ok(map[string]any{
		"wallet_address": in.agent.serverWallet(), "balance_sol": sol(in.agent.lamports),
		"required_sol": sol(launchCost), "funded": in.agent.lamports >= launchCost,
	})
}

// claimFees pays the creator fees of a token. The sandbox has no trade, so they are
// always zero.
func (s *Server) claimFees(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	if in.agent.TokenMint == "" {
		return refuse(http.StatusBadRequest, "Agent has no token")
	}
	return ok(map[string]any{"claimed_sol": "0", "tx_signature": s.hexOf("fees", 32)})
}

// LinkX links an X account to an agent.
func (s *Server) LinkX(agentID string) error {
	return s.change(agentID, func(a *agent) error { a.XLinked = true; return nil })
}

// FundAgent sends lamports to the server wallet of an agent.
func (s *Server) FundAgent(agentID string, lamports int64) error {
	return s.change(agentID, func(a *agent) error { a.lamports += lamports; return nil })
}
