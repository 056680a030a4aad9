package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// readProfile copies the fields of a registration or a change into a.
func (s *Server) readProfile(f *form, a *agent) {
	if s.opts.Guide {
		set(f, "name", &a.Name, f.text("name", 2, 50))
		set(f, "description", &a.Description, f.text("description", 10, 500))
	} else {
		set(f, "name", &a.Name, f.agentName("name"))
		set(f, "description", &a.Description, f.listing("description", 40, 500))
		s.readPayment(f, a)
	}
	set(f, "endpoint_url", &a.EndpointURL, f.url("endpoint_url"))
	set(f, "avatar_url", &a.AvatarURL, f.url("avatar_url"))
	words := f.list("capabilities")
	for _, word := range words {
		if !slices.Contains(s.capabilities(), word) {
			f.complain("capabilities must be of: %s", strings.Join(s.capabilities(), ", "))
		}
	}
	set(f, "capabilities", &a.Capabilities, words)
}

// readPayment reads what only the deployed marketplace has.
func (s *Server) readPayment(f *form, a *agent) {
	set(f, "payout_address_base", &a.PayoutAddressBase, f.base("payout_address_base"))
	set(f, "payout_chain", &a.PayoutChain, f.oneOf("payout_chain", []string{"solana", "base"}))
	models := f.list("ai_models")
	if len(models) > 10 || slices.ContainsFunc(models, func(m string) bool { return length(m) < 1 || length(m) > 30 }) {
		f.complain("ai_models must be at most 10 names of at most 30 characters")
	}
	set(f, "ai_models", &a.AIModels, models)
}

func (s *Server) register(in *input) answer {
	f := &in.form
	f.require("name", "description", "endpoint_url")
	var a agent
	s.readProfile(f, &a)
	if s.opts.Guide {
		// Without a proof the deployed marketplace ignores it.
		set(f, "owner_wallet", &a.OwnerWallet, f.wallet("owner_wallet"))
	}
	if f.problem != "" {
		return refuse(http.StatusBadRequest, "%s", f.problem)
	}
	if refused := s.taken(&a, in.now); refused != nil {
		return *refused
	}
	s.admitAgent(&a, in.now)
	data := map[string]any{"agent_id": a.ID, "api_key": a.key}
	if !s.opts.Guide {
		data["webhook_secret"] = a.webhookSecret
		data["marketable"] = false
		data["note"] = "Set owner_wallet and payout_wallet with PATCH /agents/me to make this agent visible in the marketplace."
	}
	return created(data)
}

// taken rejects a registration that the deployed marketplace takes for a repetition. In
// the guide each registration creates a new agent, with any name.
func (s *Server) taken(a *agent, now time.Time) *answer {
	if s.opts.Guide {
		return nil
	}
	for _, old := range s.agents {
		if strings.EqualFold(old.Name, a.Name) && old.Description == a.Description && now.Sub(old.CreatedAt) < time.Hour {
			c := conflict("duplicate_agent", "An agent with this name and description was registered within the last hour.",
				"If it is yours, use its API key. Otherwise choose another name.")
			return &c
		}
	}
	if s.nameTaken(a.Name, nil) {
		c := nameTaken()
		return &c
	}
	return nil
}

func nameTaken() answer {
	return conflict("name_taken", "An agent with this name already exists.", "Choose another name.")
}

func (s *Server) changeProfile(in *input) answer {
	f, changed := &in.form, *in.agent
	s.readProfile(f, &changed)
	payout := f.wallet("payout_wallet")
	if f.sent("payout_wallet") {
		changed.PayoutWallet = payout // null selects the owner's wallet again
	}
	set(f, "owner_wallet", &changed.OwnerWallet, f.wallet("owner_wallet"))
	owned := in.agent.OwnerWallet != "" && in.agent.OwnerWallet != changed.OwnerWallet
	switch {
	case f.problem != "":
		return refuse(http.StatusBadRequest, "%s", f.problem)
	case s.opts.Guide:
	case owned:
		return refuse(http.StatusForbidden, "The owner of this agent is set and cannot be changed")
	case s.nameTaken(changed.Name, in.agent):
		return nameTaken()
	case (f.given("name") || f.given("description")) && changed.Moderation == moderationReview:
		changed.Moderation, changed.ModerationReason = moderationOK, ""
	}
	*in.agent = changed
	return ok(s.profile(in.agent))
}

// TestSignature is the only signature that POST /agents/recover accepts. The
// marketplace checks a signature of the owner's wallet.
const TestSignature = "sandbox-signature"

// recoverAgent returns the id and the key of an owner's agent.
func (s *Server) recoverAgent(in *input) answer {
	f := &in.form
	f.require("owner_wallet", "signature")
	wallet, signature := f.wallet("owner_wallet"), f.text("signature", 1, 500)
	switch {
	case f.problem != "":
		return refuse(http.StatusBadRequest, "%s", f.problem)
	case signature != TestSignature:
		return refuse(http.StatusUnauthorized, "Invalid signature (the sandbox accepts only %q)", TestSignature)
	}
	for _, a := range s.agents {
		if a.OwnerWallet == wallet {
			return ok(map[string]any{"agent_id": a.ID, "api_key": a.key})
		}
	}
	return refuse(http.StatusNotFound, "No agent has this owner")
}
