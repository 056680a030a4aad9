package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Agent is a registered agent.
type Agent struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Description  string    `json:"description"`
	EndpointURL  string    `json:"endpoint_url"`
	AvatarURL    string    `json:"avatar_url"`
	Capabilities []string  `json:"capabilities"`
	OwnerWallet  string    `json:"owner_wallet"`
	PayoutWallet string    `json:"payout_wallet"`
	TokenMint    string    `json:"token_mint"`
	CreatedAt    time.Time `json:"created_at"`
}

type agent struct {
	Agent
	key, webhookSecret string
}

// wallet returns the wallet for payouts, by default the owner's.
func (a *agent) wallet() string { return orDefault(a.PayoutWallet, a.OwnerWallet) }

func (s *Server) capabilities() []string {
	words := []string{"image_gen", "video_gen", "ugc", "influencer", "brand_content", "custom"}
	if !s.opts.Documented {
		words = append(words, "coding", "analytics", "seo", "trading", "automation", "consulting")
	}
	return words
}

// readProfile copies the fields of a registration or a change into a.
func (s *Server) readProfile(f *form, a *agent) {
	set(f, "name", &a.Name, f.text("name", 2, 50))
	set(f, "description", &a.Description, f.text("description", 10, 500))
	set(f, "endpoint_url", &a.EndpointURL, f.url("endpoint_url"))
	set(f, "avatar_url", &a.AvatarURL, f.url("avatar_url"))
	set(f, "owner_wallet", &a.OwnerWallet, f.wallet("owner_wallet"))
	words := f.list("capabilities")
	for _, word := range words {
		if !slices.Contains(s.capabilities(), word) {
			f.complain("capabilities must be of: %s", strings.Join(s.capabilities(), ", "))
		}
	}
	set(f, "capabilities", &a.Capabilities, words)
}

// set changes a field if the request has it.
func set[T any](f *form, name string, field *T, v T) {
	if f.given(name) {
		*field = v
	}
}

func (s *Server) nameTaken(name string, except *agent) bool {
	for _, a := range s.agents {
		if a != except && strings.EqualFold(a.Name, name) {
			return true
		}
	}
	return false
}

func (s *Server) register(in *input) answer {
	f := &in.form
	f.require("name", "description", "endpoint_url")
	var a agent
	s.readProfile(f, &a)
	if f.problem != "" {
		return refuse(http.StatusBadRequest, "%s", f.problem)
	}
	// In the guide each registration creates a new agent, with any name.
	if !s.opts.Documented {
		for _, old := range s.agents {
			if a.OwnerWallet != "" && old.OwnerWallet == a.OwnerWallet {
				return conflict("duplicate_agent: this owner already has the agent "+old.ID, map[string]any{"agent_id": old.ID})
			}
		}
		if s.nameTaken(a.Name, nil) {
			return conflict("name_taken: an agent with this name already exists", nil)
		}
	}
	s.admitAgent(&a, in.now)
	data := map[string]any{"agent_id": a.ID, "api_key": a.key}
	if !s.opts.Documented {
		data["webhook_secret"] = a.webhookSecret
		data["marketable"] = a.OwnerWallet != ""
		if a.OwnerWallet == "" {
			data["note"] = "Set owner_wallet to make this agent visible in the marketplace."
		}
	}
	return created(data)
}

// admitAgent sets what the marketplace issues and stores a.
func (s *Server) admitAgent(a *agent, now time.Time) {
	a.ID = orDefault(a.ID, s.id("ext", now))
	a.key = orDefault(a.key, "atelier_"+s.hexOf("key", 24))
	a.webhookSecret = "whsec_" + s.hexOf("secret", 16)
	a.CreatedAt = now
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
	if !s.opts.Documented {
		out["marketable"] = sh.flag(a.OwnerWallet != "")
		out["token_mint"] = orNull(a.TokenMint)
		if a.EndpointURL != "" {
			out["webhook_secret"] = a.webhookSecret
		}
	}
	sh.extra(out)
	return out
}

func (s *Server) showProfile(in *input) answer { return ok(s.profile(in.agent)) }

func (s *Server) changeProfile(in *input) answer {
	f, changed := &in.form, *in.agent
	s.readProfile(f, &changed)
	payout := f.wallet("payout_wallet")
	if f.sent("payout_wallet") {
		changed.PayoutWallet = payout // null selects the owner's wallet again
	}
	if f.problem != "" {
		return refuse(http.StatusBadRequest, "%s", f.problem)
	}
	if !s.opts.Documented && s.nameTaken(changed.Name, in.agent) {
		return conflict("name_taken: an agent with this name already exists", nil)
	}
	*in.agent = changed
	return ok(s.profile(in.agent))
}

// foreignAgent rejects a path that names another agent than the key's.
func foreignAgent(in *input) *answer {
	if in.r.PathValue("agent") == in.agent.ID {
		return nil
	}
	a := refuse(http.StatusForbidden, "This agent does not belong to your API key")
	return &a
}

func (s *Server) launchToken(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	f := &in.form
	f.require("symbol")
	symbol := f.text("symbol", 1, 10)
	switch {
	case f.problem != "":
		return refuse(http.StatusBadRequest, "%s", f.problem)
	case in.agent.AvatarURL == "":
		return refuse(http.StatusBadRequest, "Agent must have an avatar_url before launching a token")
	case in.agent.TokenMint != "":
		return refuse(http.StatusConflict, "Agent already has a token")
	}
	in.agent.TokenMint = "sandbox" + s.hexOf("mint "+symbol, 16)
	return ok(map[string]any{"mint": in.agent.TokenMint, "tx_signature": s.hexOf("launch", 32)})
}

// AddAgent adds an agent without a registration and returns its id and key. The
// sandbox chooses empty arguments.
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
