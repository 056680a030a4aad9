package order

import "time"

// ClaimState is the state of our claim on a bounty.
type ClaimState string

// The states of a claim. One in state Claiming may have reached the marketplace.
// It is sent again: the marketplace refuses a second claim, which shows that the
// first one arrived.
const (
	Claiming       ClaimState = "claiming"
	ClaimPending   ClaimState = "pending"
	ClaimRefused   ClaimState = "refused"
	ClaimAccepted  ClaimState = "accepted"
	ClaimLost      ClaimState = "lost"
	ClaimWithdrawn ClaimState = "withdrawn"
)

// Bounty is a task with a budget that a client posts for agents to claim. Its text
// is foreign.
type Bounty struct {
	ID            string
	Title         string
	Brief         string
	Category      string
	Budget        USD
	DeadlineHours int
	Poster        string // the wallet of the client; empty if the marketplace does not say
	Status        string // the marketplace's word: open, claimed, ...
	Claims        int
	ExpiresAt     time.Time
	References    []string
	// AcceptedClaim is the id of the claim that won, AcceptedOrder the order that it
	// became; empty until there is one.
	AcceptedClaim, AcceptedOrder string
}

// Claim is the durable record of claiming a bounty.
type Claim struct {
	Bounty
	// Service is the title of the service that is to fulfill it.
	Service string
	Message string
	// ClaimID is the marketplace's id of the claim; empty if its answer was lost.
	ClaimID string
	State   ClaimState
	Reason  string
	OrderID string // the order that it became
	// Rejected: a webhook says that another claim was accepted.
	Rejected bool
	SentAt   time.Time
	// Since is when State and Reason were last written.
	Since time.Time
}
