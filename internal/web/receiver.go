// Package web receives the marketplace's webhooks, checks their signatures, and
// passes them on as hints.
//
// It must not know SQL, the marketplace's API, or what a hint leads to.
package web

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"atelierd/internal/secret"
)

// Event is the content of a webhook. It is a hint to look at the marketplace and
// never a fact, because anyone who knows the secret can send one.
type Event struct {
	Name         string // order.paid, bounty.accepted, ...
	OrderID      string
	BountyID     string
	PayoutFailed bool
}

// Receiver is an http.Handler for webhooks.
type Receiver struct {
	// Secrets returns the secrets that a signature may be made with. It is called
	// for each request, so that a new secret takes effect at once.
	Secrets func() []secret.Text
	// Notify is called with each event. It must not block.
	Notify func(Event)
	// Rejected is called for a request whose signature matches no secret; may be nil.
	Rejected func()
	Log      *slog.Logger

	mu   sync.Mutex
	seen map[mac]bool // the last maxSeen accepted signatures
	ring []mac        // the same signatures, the oldest first
}

// Limits of a request. The marketplace's webhooks are far smaller and are sent
// within seconds.
const (
	maxBody   = 64 << 10
	tolerance = 5 * time.Minute
	maxSeen   = 4096
)

// ServeHTTP answers with a status alone, so that a sender does not learn why a
// request was rejected. An event is answered before Notify is called.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	valid := signed(req.Header.Values("X-Atelier-Signature"), body, r.Secrets, time.Now())
	if len(valid) == 0 {
		w.WriteHeader(http.StatusUnauthorized)
		if r.Rejected != nil {
			r.Rejected()
		}
		return
	}
	// With a content length the answer is complete once it is flushed, so that the
	// sender does not wait for Notify.
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // without it the answer is sent at the end
	if r.replayed(valid) {
		return
	}
	e := parse(body)
	r.Log.Debug("webhook received", "event", e.Name, "order", e.OrderID)
	r.Notify(e)
}

// replayed reports whether one of the signatures was accepted before, and records
// them. A signature covers the time and the body. When the marketplace sends an
// event again it signs it again, so that is no replay.
func (r *Receiver) replayed(signatures []mac) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[mac]bool{}
	}
	before := false
	for _, signature := range signatures {
		if r.seen[signature] {
			before = true
			continue
		}
		if len(r.ring) >= maxSeen {
			delete(r.seen, r.ring[0])
			r.ring = r.ring[1:]
		}
		r.seen[signature] = true
		r.ring = append(r.ring, signature)
	}
	return before
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
	var data struct {
		BountyID     string `json:"bounty_id"`
		PayoutFailed bool   `json:"payout_failed"`
	}
	_ = json.Unmarshal(wire.Data, &data) // without it the hint is less exact
	return Event{
		Name: wire.Event, OrderID: wire.OrderID, BountyID: data.BountyID,
		PayoutFailed: data.PayoutFailed || wire.Event == "order.payout_failed",
	}
}
