package atelier

import (
	"context"
	"errors"
	"io"
	"net/http"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// Registration describes a new agent.
type Registration struct {
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	EndpointURL  string   `json:"endpoint_url"`
	Capabilities []string `json:"capabilities,omitempty"`
	// OwnerWallet is ignored by the deployed marketplace: set it with UpdateProfile.
	OwnerWallet string `json:"owner_wallet,omitempty"`
	AvatarURL   string `json:"avatar_url,omitempty"`
}

// Registered is the answer to a registration. The marketplace issues the key only
// here.
type Registered struct {
	AgentID       string
	Key           secret.Text
	WebhookSecret secret.Text // from the deployed marketplace; may be empty
	// Marketable is false if the deployed marketplace hides the agent from clients,
	// and nil if the answer does not say. Note is the reason.
	Marketable *bool
	Note       string
}

// Register makes a new agent. Each call makes another one. After an error for which
// OutcomeUnknown is true, there may be an agent whose key is lost.
func (c *Client) Register(ctx context.Context, reg Registration) (Registered, error) {
	var w issued
	r := request{
		call: order.RequestRegister, method: http.MethodPost, timeout: c.Timeout, anonymous: true,
		path: []string{"agents", "register"}, read: w.read,
	}
	if err := c.send(ctx, r, reg); err != nil {
		return Registered{}, err
	}
	return w.registered(), nil
}

// Profile is the agent as the marketplace shows it.
type Profile struct {
	AgentID      string
	Name         string
	Description  string
	EndpointURL  string
	AvatarURL    string
	Capabilities []string
	OwnerWallet  string
	PayoutWallet string
	// PayoutAddressBase receives payouts while PayoutChain is base. Clients on Base
	// can hire only an agent that has both.
	PayoutAddressBase string
	PayoutChain       string
	// AIModels are the names by which clients filter agents.
	AIModels   []string
	TokenMint  string
	Marketable *bool
	// WebhookSecret comes with the profile once endpoint_url is set.
	WebhookSecret secret.Text
}

// Profile reads the agent's own profile. The deployed marketplace does not count
// this request, so it is the cheapest way to check a key.
func (c *Client) Profile(ctx context.Context) (Profile, error) {
	var p Profile
	err := c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"agents", "me"},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			var w struct {
				ID            label `json:"id"`
				AgentID       label `json:"agent_id"`
				Name          label `json:"name"`
				Description   label `json:"description"`
				EndpointURL   label `json:"endpoint_url"`
				AvatarURL     label `json:"avatar_url"`
				Capabilities  links `json:"capabilities"`
				OwnerWallet   label `json:"owner_wallet"`
				PayoutWallet  label `json:"payout_wallet"`
				PayoutBase    label `json:"payout_address_base"`
				PayoutChain   label `json:"payout_chain"`
				AIModels      links `json:"ai_models"`
				TokenMint     label `json:"token_mint"`
				Marketable    flag  `json:"marketable"`
				WebhookSecret label `json:"webhook_secret"`
			}
			if err := unmarshal(member(data, "agent"), &w); err != nil {
				return err
			}
			if w.AgentID == "" {
				w.AgentID = w.ID
			}
			if w.AgentID == "" && w.Name == "" {
				return errors.New("not a profile")
			}
			p = Profile{
				AgentID: string(w.AgentID), Name: string(w.Name), Description: string(w.Description),
				EndpointURL: string(w.EndpointURL), AvatarURL: string(w.AvatarURL), Capabilities: w.Capabilities,
				OwnerWallet: string(w.OwnerWallet), PayoutWallet: string(w.PayoutWallet),
				PayoutAddressBase: string(w.PayoutBase), PayoutChain: string(w.PayoutChain), AIModels: w.AIModels,
				TokenMint: string(w.TokenMint), Marketable: w.Marketable.on, WebhookSecret: secret.New(string(w.WebhookSecret)),
			}
			return nil
		},
	})
	return p, err
}

// ProfilePatch is a change of the profile. Nil fields stay as they are.
type ProfilePatch struct {
	Name         *string
	Description  *string
	AvatarURL    *string
	EndpointURL  *string
	Capabilities []string
	// OwnerWallet can be set only once; the marketplace refuses a second change.
	OwnerWallet       *string
	PayoutWallet      *string
	PayoutAddressBase *string
	PayoutChain       *string
	AIModels          []string
	// ResetPayoutWallet sends null, which makes it the owner's wallet again.
	ResetPayoutWallet bool
}

// UpdateProfile changes the fields that the patch sets. For an empty patch it sends no
// request.
func (c *Client) UpdateProfile(ctx context.Context, patch ProfilePatch) error {
	body := map[string]any{}
	for name, value := range map[string]*string{
		"name": patch.Name, "description": patch.Description, "avatar_url": patch.AvatarURL,
		"endpoint_url": patch.EndpointURL, "owner_wallet": patch.OwnerWallet, "payout_wallet": patch.PayoutWallet,
		"payout_address_base": patch.PayoutAddressBase, "payout_chain": patch.PayoutChain,
	} {
		if value != nil {
			body[name] = *value
		}
	}
	if patch.Capabilities != nil {
		body["capabilities"] = patch.Capabilities
	}
	if patch.AIModels != nil {
		body["ai_models"] = patch.AIModels
	}
	if patch.ResetPayoutWallet {
		body["payout_wallet"] = nil
	}
	if len(body) == 0 {
		return nil
	}
	r := request{
		call: order.RequestRead, method: http.MethodPatch, timeout: c.Timeout,
		path: []string{"agents", "me"}, read: nothing,
	}
	return c.send(ctx, r, body)
}

// Token is a launched token.
type Token struct {
	Mint        string
	TxSignature string
}

// LaunchToken launches the agent's token. By the marketplace's guide, symbol has 1 to
// 10 characters, the profile needs an avatar_url, and a second launch is a conflict. A
// launch cannot be undone. After an unknown outcome, read the profile instead of
// repeating it.
func (c *Client) LaunchToken(ctx context.Context, symbol string) (Token, error) {
	var w struct {
		Mint        label `json:"mint"`
		TxSignature label `json:"tx_signature"`
	}
	r := request{
		call: order.RequestToken, method: http.MethodPost, timeout: c.deliverTimeout(),
		path: []string{"agents", c.Credentials().AgentID, "token", "launch"}, read: into(&w, answerLimit),
	}
	err := c.send(ctx, r, map[string]string{"symbol": symbol})
	return Token{string(w.Mint), string(w.TxSignature)}, err
}
