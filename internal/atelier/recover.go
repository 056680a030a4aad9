package atelier

import (
	"context"
	"errors"
	"io"
	"net/http"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// Proof is a text that the owner's wallet has signed.
type Proof struct {
	Wallet    string `json:"owner_wallet"`
	Message   string `json:"message,omitempty"`
	Signature string `json:"signature"`
}

// Recover returns the id and the key of the agent that the wallet owns. The
// marketplace does not need the old key.
func (c *Client) Recover(ctx context.Context, p Proof) (Registered, error) {
	var w issued
	r := request{
		call: order.RequestRead, method: http.MethodPost, timeout: c.Timeout, anonymous: true,
		path: []string{"agents", "recover"}, read: w.read,
	}
	err := c.send(ctx, r, p)
	return w.registered(), err
}

// issued is the answer that holds a key.
type issued struct {
	AgentID       label `json:"agent_id"`
	Key           label `json:"api_key"`
	WebhookSecret label `json:"webhook_secret"`
	Marketable    flag  `json:"marketable"`
	Note          label `json:"note"`
}

func (w *issued) read(body io.Reader) error {
	if err := into(w, answerLimit)(body); err != nil {
		return err
	}
	if !isAgentID(string(w.AgentID)) || w.Key == "" || !headerSafe(string(w.Key)) {
		return errors.New("no usable agent_id and api_key")
	}
	return nil
}

func (w *issued) registered() Registered {
	if w.Key == "" {
		return Registered{}
	}
	return Registered{
		string(w.AgentID), secret.New(string(w.Key)), secret.New(string(w.WebhookSecret)),
		w.Marketable.on, string(w.Note),
	}
}
