package order

import "time"

// RequestKind is a kind of request to the marketplace, as the marketplace counts them.
type RequestKind string

// The calls that add to the marketplace's counts, and Read, which does not: one
// order, one thread, the profile, the list of services.
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
	RequestRead     RequestKind = "read"
)

// Request is one request to the marketplace, written down before it is sent.
type Request struct {
	ID      int64
	Kind    RequestKind
	OrderID string // empty when it is about no single order
	At      time.Time
}

// Answer is what became of a Request.
type Answer struct {
	// Status is the HTTP status, or 0 when there was no answer.
	Status int
	At     time.Time
	Error  string
	// RetryAfter, Limit and Reset are what a refusal said; zero when it did not.
	RetryAfter time.Duration
	Limit      int
	Reset      time.Time
}

// Window is a fixed counting window of the budget: Used requests since
// StartedAt, starting afresh at EndsAt. Scope is a Call, or "all".
type Window struct {
	Scope     string
	StartedAt time.Time
	EndsAt    time.Time
	Used      int
	// Limit is the ceiling that an answer has taught, or 0.
	Limit int
	// BlockedUntil is the end of a Retry-After.
	BlockedUntil time.Time
}
