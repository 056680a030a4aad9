package order

import "time"

// RequestKind is a kind of request to the marketplace, as the marketplace counts
// them.
type RequestKind string

// The kinds of request. RequestRead is not counted: it reads one order, one thread,
// the profile or the list of services.
const (
	RequestDeliver  RequestKind = "deliver"
	RequestUpload   RequestKind = "upload"
	RequestQuote    RequestKind = "quote"
	RequestMessage  RequestKind = "message"
	RequestPoll     RequestKind = "poll"
	RequestService  RequestKind = "service"
	RequestRegister RequestKind = "register"
	RequestToken    RequestKind = "token"
	RequestBounty   RequestKind = "bounty"
	RequestPayout   RequestKind = "payout"
	RequestRead     RequestKind = "read"
)

// Request is one request to the marketplace, recorded before it is sent.
type Request struct {
	ID      int64
	Kind    RequestKind
	OrderID string // empty if it is not about one order
	At      time.Time
}

// Answer is the outcome of a Request.
type Answer struct {
	// Status is the HTTP status, or 0 without an answer.
	Status int
	At     time.Time
	Error  string
	// RetryAfter, Limit and Reset are from the headers of a refusal; zero if missing.
	RetryAfter time.Duration
	Limit      int
	Reset      time.Time
}

// Window is a fixed window of the budget: Used requests since StartedAt. At EndsAt
// the next one begins. Scope is a RequestKind, or "all".
type Window struct {
	Scope     string
	StartedAt time.Time
	EndsAt    time.Time
	Used      int
	// Limit is the limit that an answer named, or 0.
	Limit int
	// BlockedUntil is when a Retry-After ends.
	BlockedUntil time.Time
}
