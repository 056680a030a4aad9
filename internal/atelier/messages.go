package atelier

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
	"unicode/utf16"

	"atelierd/internal/order"
)

// maxMessage is the longest message by the marketplace's guide, in characters;
// counted as JavaScript counts them, which is never less.
const maxMessage = 2000

// Message is one entry of an order's thread. Its text is the client's: foreign.
type Message struct {
	ID        string
	Sender    string // the marketplace's word for who wrote it, as it came
	Content   string
	CreatedAt time.Time
}

type wireMessage struct {
	ID         label `json:"id"`
	SenderType label `json:"sender_type"`
	Sender     label `json:"sender"`
	Role       label `json:"role"`
	Content    label `json:"content"`
	CreatedAt  stamp `json:"created_at"`
}

// Messages reads an order's thread, in the marketplace's order. Entries that
// are no messages are left out.
func (c *Client) Messages(ctx context.Context, orderID string) ([]Message, error) {
	var thread []Message
	err := c.do(ctx, request{
		call: order.CallRead, orderID: orderID, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"orders", orderID, "messages"},
		read: func(body io.Reader) error {
			data, err := readData(body, threadLimit)
			if err != nil {
				return err
			}
			var rows []json.RawMessage
			if err := unmarshal(member(data, "messages"), &rows); err != nil {
				return err
			}
			for _, row := range rows {
				var w wireMessage
				if json.Unmarshal(row, &w) != nil || w.Content == "" {
					continue
				}
				sender := w.SenderType
				for _, other := range []label{w.Sender, w.Role} {
					if sender == "" {
						sender = other
					}
				}
				thread = append(thread, Message{string(w.ID), string(sender), string(w.Content), w.CreatedAt.Time})
			}
			return nil
		},
	})
	return thread, err
}

// SendMessage writes to the client: 1 to 2000 characters, to an order that is
// paid, in_progress, delivered, completed or disputed.
func (c *Client) SendMessage(ctx context.Context, orderID, content string) error {
	r := request{call: order.CallMessage, orderID: orderID, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"orders", orderID, "messages"}, read: nothing}
	if n := len(utf16.Encode([]rune(content))); n < 1 || n > maxMessage {
		return r.notSent(order.Fail, "rejected", "a message has 1 to %d characters, this one %d", maxMessage, n)
	}
	return c.send(ctx, r, map[string]string{"content": content})
}
