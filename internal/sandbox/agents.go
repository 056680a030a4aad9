package sandbox

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Agent is a registered agent.
type Agent struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	EndpointURL  string   `json:"endpoint_url"`
	AvatarURL    string   `json:"avatar_url"`
	Capabilities []string `json:"capabilities"`
	OwnerWallet  string   `json:"owner_wallet"`
	PayoutWallet string   `json:"payout_wallet"`
	// PayoutAddressBase takes payouts on Base if PayoutChain is base. Empty means
	// solana.
	PayoutAddressBase string   `json:"payout_address_base"`
	PayoutChain       string   `json:"payout_chain"`
	AIModels          []string `json:"ai_models"`
	TokenMint         string   `json:"token_mint"`
	// XLinked reports whether an X account is linked, which a token needs.
	XLinked bool `json:"x_linked"`
	// Moderation is ok, review or spam, with a reason.
	Moderation       string    `json:"moderation"`
	ModerationReason string    `json:"moderation_reason,omitempty"`
	CreatedAt        time.Time `json:"created_at"`
}

type agent struct {
	Agent
	lamports           int64 // in its server wallet
	key, webhookSecret string
}

// onBase reports whether clients on Base can hire the agent.
func (a *agent) onBase() bool { return a.PayoutAddressBase != "" && a.PayoutChain == "base" }

// payoutAddress returns the address of the payout chain.
func (a *agent) payoutAddress() string {
	if a.onBase() {
		return a.PayoutAddressBase
	}
	return a.wallet()
}

// wallet returns the wallet for payouts, by default the owner's.
func (a *agent) wallet() string { return orDefault(a.PayoutWallet, a.OwnerWallet) }

func (s *Server) capabilities() []string {
	words := []string{"image_gen", "video_gen", "ugc", "influencer", "brand_content", "custom"}
	if !s.opts.Guide {
		words = append(words, "coding", "analytics", "seo", "trading", "automation", "consulting")
	}
	return words
}

// set changes a field if the request has it.
func set[T any](f *form, name string, field *T, v T) {
	if f.given(name) {
		*field = v
	}
}

// change changes an agent.
func (s *Server) change(id string, do func(a *agent) error) error {
	s.lock()
	defer s.mu.Unlock()
	a := s.agentByID(id)
	if a == nil {
		return errors.New("no such agent")
	}
	return do(a)
}

func (s *Server) agentByID(id string) *agent {
	for _, a := range s.agents {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (s *Server) nameTaken(name string, except *agent) bool {
	for _, a := range s.agents {
		if a != except && strings.EqualFold(a.Name, name) {
			return true
		}
	}
	return false
}

// admitAgent sets what the marketplace issues and stores a.
func (s *Server) admitAgent(a *agent, now time.Time) {
	a.ID = orDefault(a.ID, s.id("ext", now))
	a.key = orDefault(a.key, "atelier_"+s.hexOf("key", 24))
	a.webhookSecret = "whsec_" + s.hexOf("secret", 16)
	a.CreatedAt, a.Moderation = now, moderationOK
	s.agents = append(s.agents, a)
}

func (s *Server) profile(a *agent) map[string]any {
	sh := s.shaper(a.ID)
	out := map[string]any{
		"id": a.ID, "name": a.Name, "description": a.Description,
		"endpoint_url": a.EndpointURL, "avatar_url": orNull(a.AvatarURL),
		"capabilities": sh.list(a.Capabilities),
		"owner_wallet": orNull(a.OwnerWallet), "payout_wallet": orNull(a.PayoutWallet),
		"api_key":    a.key[:min(len(a.key), 12)] + "****",
		"created_at": sh.time(a.CreatedAt),
	}
	if !s.opts.Guide {
		out["marketable"] = sh.flag(a.OwnerWallet != "")
		out["token_mint"] = orNull(a.TokenMint)
		out["payout_address_base"], out["payout_chain"] = orNull(a.PayoutAddressBase), orDefault(a.PayoutChain, "solana")
		out["moderation"] = map[string]any{"status": a.Moderation, "reason": orNull(a.ModerationReason)}
		out["ai_models"] = sh.list(a.AIModels)
		if a.EndpointURL != "" {
			out["webhook_secret"] = a.webhookSecret
		}
	}
	sh.extra(out)
	return out
}

func (s *Server) showProfile(in *input) answer { return ok(s.profile(in.agent)) }

// foreignAgent rejects a path that names another agent than the key's.
func foreignAgent(in *input) *answer {
	if in.r.PathValue("agent") == in.agent.ID {
		return nil
	}
	a := refuse(http.StatusForbidden, "This agent does not belong to your API key")
	return &a
}

// sandboxWallet is the payout wallet of added agents.
const sandboxWallet = "Sandbox111111111111111111111111111111111112"

// AddAgent adds an agent without a registration and returns its id and key. The
// sandbox chooses empty arguments. The rules for listings do not apply to the name.
// With the deployed marketplace it has a payout wallet, so that clients can hire it.
func (s *Server) AddAgent(name, id, key string) (agentID, apiKey string, err error) {
	now := s.lock()
	defer s.mu.Unlock()
	for _, a := range s.agents {
		if (id != "" && a.ID == id) || (key != "" && a.key == key) {
			return "", "", errors.New("an agent with this id or key exists already")
		}
	}
	a := &agent{key: key}
	a.ID, a.Name = id, orDefault(name, "Sandbox Agent")
	a.Description, a.EndpointURL = "An agent of the sandbox", "https://agent.example.com"
	a.Capabilities = []string{"image_gen"}
	if !s.opts.Guide {
		a.PayoutWallet = sandboxWallet // or no client could hire it
	}
	s.admitAgent(a, now)
	return a.ID, a.key, nil
}

// RotateKey returns a new key of the agent. The old one answers 401 from now on.
func (s *Server) RotateKey(agentID string) (key string, err error) {
	s.lock()
	defer s.mu.Unlock()
	for _, a := range s.agents {
		if a.ID == agentID {
			a.key = "atelier_" + s.hexOf("key", 24)
			return a.key, nil
		}
	}
	return "", errors.New("no such agent")
}

// Agents returns all agents, oldest first.
func (s *Server) Agents() []Agent {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Agent, 0, len(s.agents))
	for _, a := range s.agents {
		list = append(list, a.Agent)
	}
	return list
}
