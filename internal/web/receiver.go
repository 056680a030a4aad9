// Package web listens: it takes the marketplace's webhooks, checks that they
// are its own, and passes them on as hints.
//
// It must not know SQL, the marketplace's API, or what a hint leads to.
package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"atelierd/internal/secret"
)

// Event is what a webhook says. It is a hint to look, and never a fact: whoever
// learned the secret could have sent it.
type Event struct {
	Name         string // order.paid, bounty.accepted, ...
	OrderID      string
	BountyID     string
	PayoutFailed bool
}

// Receiver takes webhooks. Secrets is asked at each request, so that a new
// secret is picked up; Tell must not block.
type Receiver struct {
	Secrets func() []secret.Text
	Notify  func(Event)
	// Rejected is told of a request whose signature fits no secret; may be nil.
	Rejected func()
	Log      *slog.Logger

	mu   sync.Mutex
	seen map[mac]bool // signatures taken within the tolerance
	ring []mac        // their order, so that the oldest is forgotten
}

// mac is what a signature comes to, however its header is written.
type mac [sha256.Size]byte

// What a request may be: the marketplace's webhooks are far smaller, and are
// sent within seconds.
const (
	maxBody   = 64 << 10
	tolerance = 5 * time.Minute
	maxSeen   = 4096
)

// ServeHTTP answers before anything is done about the event. What is wrong with
// a request is not told to its sender.
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
	sum, ok := signed(req.Header.Get("X-Atelier-Signature"), body, r.Secrets, time.Now())
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		if r.Rejected != nil {
			r.Rejected()
		}
		return
	}
	// With its length told, the answer is whole once it is flushed: the sender
	// does not wait for what Tell takes.
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // else it goes out at the end
	if r.replayed(sum) {
		return
	}
	e := parse(body)
	r.Log.Debug("webhook", "event", e.Name, "order", e.OrderID)
	r.Notify(e)
}

// signed checks `t=<unix>,v1=<hex of HMAC-SHA256(secret, "t.body")>` and gives
// the signature. Secrets are asked for only when one could fit, since anybody
// can send a request and they may have to be read.
func signed(header string, body []byte, secrets func() []secret.Text, now time.Time) (sum mac, ok bool) {
	var stamp, given string
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			given = value
		}
	}
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(unix, 0)).Abs() > tolerance {
		return sum, false
	}
	raw, err := hex.DecodeString(given)
	if err != nil || copy(sum[:], raw) != len(raw) || len(raw) != len(sum) {
		return sum, false
	}
	for _, s := range secrets() {
		if s.Empty() {
			continue
		}
		h := hmac.New(sha256.New, []byte(s.Reveal()))
		h.Write([]byte(stamp + "."))
		h.Write(body)
		ok = hmac.Equal(h.Sum(nil), sum[:]) || ok
	}
	return sum, ok
}

// replayed says whether the same signature was taken before, and remembers it.
// It covers the time and the body, so that a repeated delivery of the same event,
// which is signed anew, is another one.
func (r *Receiver) replayed(signature mac) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[signature] {
		return true
	}
	if r.seen == nil {
		r.seen = map[mac]bool{}
	}
	if len(r.ring) >= maxSeen {
		delete(r.seen, r.ring[0])
		r.ring = r.ring[1:]
	}
	r.seen[signature] = true
	r.ring = append(r.ring, signature)
	return false
}

// parse reads what it can: an event of a form not known yet is still a hint.
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
	return Event{Name: wire.Event, OrderID: wire.OrderID, BountyID: data.BountyID,
		PayoutFailed: data.PayoutFailed || wire.Event == "order.payout_failed"}
}
