package atelier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf16"

	"atelierd/internal/order"
)

// MaxMessage is the longest message by the marketplace's guide, in characters. They
// are counted as UTF-16 code units, as JavaScript counts, which is never too few.
const MaxMessage = 2000

// mostMessages is how many messages of a thread are read. The marketplace shows
// order.ThreadPage of them.
const mostMessages = 1000

// parties maps the words for the sender of a message. The deployed marketplace uses
// some of them; the others are accepted to be safe.
var parties = map[string]order.Party{
	"client": order.PartyClient, "buyer": order.PartyClient, "customer": order.PartyClient, "user": order.PartyClient,
	"provider": order.PartyAgent, "agent": order.PartyAgent, "seller": order.PartyAgent,
}

func party(word string) order.Party {
	return cmp.Or(parties[strings.ToLower(strings.TrimSpace(word))], order.PartyOther)
}

type wireMessage struct {
	ID         label `json:"id"`
	SenderType label `json:"sender_type"`
	Sender     label `json:"sender"`
	Role       label `json:"role"`
	Content    label `json:"content"`
	CreatedAt  stamp `json:"created_at"`
}

// Messages reads the thread of an order, in the marketplace's order. Entries that are
// not messages are left out. A message without an id gets a hash of its content as id,
// and one without a time, or with a future one, gets the current time.
func (c *Client) Messages(ctx context.Context, orderID string) ([]order.Message, error) {
	var thread []order.Message
	err := c.do(ctx, request{
		call: order.RequestRead, orderID: orderID, method: http.MethodGet, timeout: c.Timeout,
		path:    []string{"orders", orderID, "messages"},
		tooLong: order.CodeThreadTooLarge,
		read: func(body io.Reader) error {
			data, err := readData(body, threadLimit)
			if err != nil {
				return err
			}
			var rows []json.RawMessage
			if err := unmarshal(member(data, "messages"), &rows); err != nil {
				return err
			}
			for _, row := range rows[:min(len(rows), mostMessages)] {
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
				thread = append(thread, message(w, string(sender), len(thread)))
			}
			return nil
		},
	})
	return thread, err
}

func message(w wireMessage, sender string, place int) order.Message {
	m := order.Message{ID: string(w.ID), Party: party(sender), Sender: sender, Text: string(w.Content), At: w.CreatedAt.Time}
	if m.ID == "" {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", place, sender, m.Text))
		m.ID = "x-" + hex.EncodeToString(sum[:12])
	}
	// One from the future would count as written after everything else for ever.
	if now := time.Now(); m.At.IsZero() || m.At.After(now) {
		m.At = now
	}
	return m
}

// MessageLength returns the length of a message as the marketplace counts it, in
// UTF-16 code units.
func MessageLength(text string) int { return len(utf16.Encode([]rune(text))) }

// SendMessage sends a message of 1 to MaxMessage characters to the client. By the
// marketplace's guide the order must be paid, in_progress, delivered, completed or
// disputed.
func (c *Client) SendMessage(ctx context.Context, orderID, content string) error {
	r := request{
		call: order.RequestMessage, orderID: orderID, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"orders", orderID, "messages"}, read: nothing,
	}
	if n := MessageLength(content); n < 1 || n > MaxMessage {
		return r.notSent(order.Fail, order.CodeRejected, "a message must have 1 to %d characters, this one has %d", MaxMessage, n)
	}
	return c.send(ctx, r, map[string]string{"content": content})
}
