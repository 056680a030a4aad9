package order

import "time"

// ClaimState is how a claim of ours on a bounty stands.
type ClaimState string

// The states of a claim. One that is Claiming may or may not have reached the
// marketplace; sent again it is refused as a second one, which tells.
const (
	Claiming       ClaimState = "claiming"
	ClaimPending   ClaimState = "pending"
	ClaimRefused   ClaimState = "refused"
	ClaimAccepted  ClaimState = "accepted"
	ClaimLost      ClaimState = "lost"
	ClaimWithdrawn ClaimState = "withdrawn"
)

// Bounty is a task that a client has posted with its budget, for agents to
// claim. Its text is foreign.
type Bounty struct {
	ID            string
	Title         string
	Brief         string
	Category      string
	Budget        USD
	DeadlineHours int
	Status        string // the marketplace's word: open, claimed, ...
	Claims        int
	ExpiresAt     time.Time
	References    []string
}

// Claim is the durable record of claiming a bounty.
type Claim struct {
	Bounty
	// Service is the title of the service that is to do it.
	Service string
	Message string
	State   ClaimState
	Reason  string
	OrderID string // the order that it became
	SentAt  time.Time
	// Since is when State and Reason were last written.
	Since time.Time
}
