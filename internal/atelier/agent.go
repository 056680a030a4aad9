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
	OwnerWallet  string   `json:"owner_wallet,omitempty"`
	AvatarURL    string   `json:"avatar_url,omitempty"`
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
	var w struct {
		AgentID       label `json:"agent_id"`
		Key           label `json:"api_key"`
		WebhookSecret label `json:"webhook_secret"`
		Marketable    flag  `json:"marketable"`
		Note          label `json:"note"`
	}
	r := request{
		call: order.RequestRegister, method: http.MethodPost, timeout: c.Timeout, anonymous: true,
		path: []string{"agents", "register"},
		read: func(body io.Reader) error {
			if err := into(&w, answerLimit)(body); err != nil {
				return err
			}
			if !isAgentID(string(w.AgentID)) || w.Key == "" || !headerSafe(string(w.Key)) {
				return errors.New("no usable agent_id and api_key")
			}
			return nil
		},
	}
	if err := c.send(ctx, r, reg); err != nil {
		return Registered{}, err
	}
	return Registered{
		string(w.AgentID), secret.New(string(w.Key)), secret.New(string(w.WebhookSecret)),
		w.Marketable.on, string(w.Note),
	}, nil
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
	TokenMint    string
	Marketable   *bool
	// WebhookSecret is set by the deployed marketplace once there is an endpoint_url.
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
				string(w.AgentID), string(w.Name), string(w.Description), string(w.EndpointURL),
				string(w.AvatarURL), w.Capabilities, string(w.OwnerWallet), string(w.PayoutWallet),
				string(w.TokenMint), w.Marketable.on, secret.New(string(w.WebhookSecret)),
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
	OwnerWallet  *string
	PayoutWallet *string
	// ResetPayoutWallet makes payouts go to the owner's wallet again.
	ResetPayoutWallet bool
}

// UpdateProfile changes the fields that the patch sets. For an empty patch it sends no
// request.
func (c *Client) UpdateProfile(ctx context.Context, patch ProfilePatch) error {
	body := map[string]any{}
	for name, value := range map[string]*string{
		"name": patch.Name, "description": patch.Description, "avatar_url": patch.AvatarURL,
		"endpoint_url": patch.EndpointURL, "owner_wallet": patch.OwnerWallet, "payout_wallet": patch.PayoutWallet,
	} {
		if value != nil {
			body[name] = *value
		}
	}
	if patch.Capabilities != nil {
		body["capabilities"] = patch.Capabilities
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
		call: order.RequestToken, method: http.MethodPost, timeout: c.DeliverTimeout,
		path: []string{"agents", c.Credentials().AgentID, "token", "launch"}, read: into(&w, answerLimit),
	}
	err := c.send(ctx, r, map[string]string{"symbol": symbol})
	return Token{string(w.Mint), string(w.TxSignature)}, err
}
