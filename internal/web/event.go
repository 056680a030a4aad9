package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Event is the content of a webhook. For the state of an order it is a hint to look
// at the marketplace and never a fact, because anyone who knows the secret can send
// one.
type Event struct {
	Name         string // order.paid, bounty.accepted, ...
	OrderID      string
	BountyID     string
	PayoutFailed bool
	// Text is what a client wrote: a message, the feedback on a delivery or the reason
	// of a dispute. Amount is what was paid out, or nil. They may be shown nowhere else.
	Text   string
	Amount *order.USD
	// Revision is the event's revision_count, and Hash is of its data, whatever the
	// order of the fields. With name and order they identify the event.
	Revision int
	Hash     string
	SignedAt time.Time
}

// claimRejected is the event for a claim on a bounty that lost.
const claimRejected = "bounty.claim_rejected"

// Content reports whether the event carries what must not be lost.
func (e Event) Content() bool {
	return e.OrderID != "" && (e.Text != "" || e.Amount != nil) || e.Name == claimRejected && e.BountyID != ""
}

// Webhook returns what is recorded of the event.
func (e Event) Webhook() order.Webhook {
	w := order.Webhook{
		OrderID: e.OrderID, Event: e.Name, Hash: e.Hash, Revision: e.Revision, Text: e.Text,
		Amount: e.Amount, SignedAt: e.SignedAt,
	}
	if e.Name == claimRejected {
		w.BountyID = e.BountyID
	}
	return w
}

// parse returns what it can read of the body. An event of an unknown form is still
// a hint.
func parse(body []byte) Event {
	var wire struct {
		Event   string          `json:"event"`
		OrderID string          `json:"order_id"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return Event{}
	}
	// Each field is read by itself, so that an odd one does not hide the others.
	var data map[string]json.RawMessage
	_ = json.Unmarshal(wire.Data, &data) // without it the hint is less exact
	var failed bool
	_ = json.Unmarshal(data["payout_failed"], &failed)
	e := Event{
		Name: capped(wire.Event), OrderID: capped(wire.OrderID), BountyID: capped(text(data["bounty_id"])), Hash: hash(wire.Data),
		PayoutFailed: failed || wire.Event == "order.payout_failed",
	}
	_ = json.Unmarshal(data["revision_count"], &e.Revision)
	switch wire.Event {
	case order.EventMessage:
		e.Text = text(data["content"])
	case "order.revision_requested", "order.disputed":
		e.Text = cmp.Or(text(data["feedback"]), text(data["reason"]))
	case "order.payout_sent":
		e.Amount = amount(data["amount_usd"])
	}
	return e
}

// maxID is the length in bytes of the longest id that an order or a bounty can have.
const maxID = 200

// capped returns an id, or "" for one that is too long to be one. An event without ids
// is still a hint.
func capped(id string) string {
	if len(id) > maxID {
		return ""
	}
	return id
}

// text returns a string as it is, or "" for anything else and for one of space alone.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

// amount reads a number of dollars, which may come as a string. It is nil if there
// is none.
func amount(raw json.RawMessage) *order.USD {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(f >= 0 && f < 1e9) {
		return nil
	}
	usd := order.USD(math.Round(f * float64(order.Dollar)))
	return &usd
}

// hash identifies the data of an event.
func hash(data json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if sorted, err := json.Marshal(v); err == nil {
			data = sorted
		}
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
