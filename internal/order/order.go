// Package order is the vocabulary of the daemon: orders, jobs, calls, artifacts and
// failures with their codes, money, and the tables that say what follows from a
// failed call.
//
// It is pure. It must not know SQL, HTTP, files, configuration or the clock.
package order

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Status is the marketplace's word for the state of an order. Unknown words are kept
// as they are: new ones may appear at any time.
type Status string

// The statuses of the marketplace's guide, and revision_requested, which the
// deployed marketplace adds.
const (
	PendingQuote      Status = "pending_quote"
	Quoted            Status = "quoted"
	Accepted          Status = "accepted"
	Paid              Status = "paid"
	InProgress        Status = "in_progress"
	Delivered         Status = "delivered"
	Completed         Status = "completed"
	Disputed          Status = "disputed"
	RevisionRequested Status = "revision_requested"
	Cancelled         Status = "cancelled"
)

// LiveStatuses returns the statuses of orders that can still change our work. A poll
// names all of them, because a list is one request whatever its length.
func LiveStatuses() []Status {
	return []Status{
		PendingQuote, Quoted, Accepted, Paid, InProgress, Delivered,
		Disputed, RevisionRequested, Cancelled,
	}
}

// AllStatuses returns the live statuses and completed. The list of completed orders
// grows without end, so it is asked for only when an order has left the live list.
func AllStatuses() []Status { return append(LiveStatuses(), Completed) }

// Known reports whether this version knows the status.
func (s Status) Known() bool { return slices.Contains(AllStatuses(), s) }

// Ended reports whether the marketplace has ended the order.
func (s Status) Ended() bool { return s == Completed || s == Cancelled }

// TakesDelivery reports whether a delivery is pending in this status.
func (s Status) TakesDelivery() bool {
	return s == Paid || s == InProgress || s.Reopened()
}

// Reopened reports whether the client sent a delivery back.
func (s Status) Reopened() bool { return s == Disputed || s == RevisionRequested }

// TakesMessages reports whether an agent may write to the client in this status, by
// the marketplace's guide. The deployed marketplace adds revision_requested.
func (s Status) TakesMessages() bool {
	return s.TakesDelivery() || s == Delivered || s == Completed
}

// State is our word for the state of an order.
type State string

// The states of an order.
const (
	// StateWaiting: the client has to act.
	StateWaiting State = "waiting"
	// StateWorking: a job for it is ready or running.
	StateWorking State = "working"
	// StateHeld: the owner has to act.
	StateHeld State = "held"
	// StateDelivered: delivered, within the client's review.
	StateDelivered State = "delivered"
	// StateFailed: given up without a delivery. The owner may retry it.
	StateFailed State = "failed"
	// StateCompleted and StateCancelled: the marketplace has ended it.
	StateCompleted State = "completed"
	StateCancelled State = "cancelled"
)

// Ended reports whether the marketplace has ended the order.
func (s State) Ended() bool { return s == StateCompleted || s == StateCancelled }

// Facts is what the marketplace said about one order at one moment, whatever the
// shape of its answer. A zero value was not said.
type Facts struct {
	ID           string
	ServiceID    string
	ServiceTitle string
	ClientWallet string
	// ClientType is wallet, or agent_x402 for another agent, which pays the fee on top
	// of the price.
	ClientType string
	// ClientAgent is the id of the agent that is the client; empty for any other.
	ClientAgent     string
	Brief           string
	BriefEnglish    string // the brief's translation; empty when not said
	ReferenceURLs   []string
	ReferenceImages []string
	// Answers is requirement_answers: a JSON array or object, or nil.
	Answers json.RawMessage
	// BriefSpec is the brief taken apart, a JSON array or object, or nil.
	BriefSpec json.RawMessage
	Status    Status
	Price     *USD // quoted_price_usd
	Fee       *USD // platform_fee_usd

	CreatedAt          time.Time
	DeliveredAt        time.Time
	ReviewDeadline     time.Time
	CompletedAt        time.Time
	WorkspaceExpiresAt time.Time

	// Deliverables are the URLs that the client sees as delivered. Shown says what an
	// empty list means. It is a fact about the answer and is not stored.
	Deliverables  []string
	Shown         Shown
	MaxRevisions  *int
	RevisionCount *int
	QuotaTotal    *int
	QuotaUsed     *int
	PayoutTx      string
	// BountyID is the bounty that became the order, or empty. Its title and category
	// come from a request of their own and are empty until it is answered.
	BountyID, BountyTitle, BountyCategory string

	// Raw is the order's JSON as it was received.
	Raw json.RawMessage
	// TooLarge: the order's JSON is larger than atelierd reads. Raw and the other fields
	// lack what is long, so that nothing may be made for it.
	TooLarge bool
}

// Wish returns what the client asks for: the brief, after the title of the bounty that
// became the order, which often says what the brief leaves out.
func (f Facts) Wish() string {
	title := strings.TrimSpace(f.BountyTitle)
	if title == "" || strings.Contains(strings.ToLower(f.Brief), strings.ToLower(title)) {
		return f.Brief
	}
	return title + "\n\n" + f.Brief
}

// BadRow is an entry of an order list that could not be read. It is recorded for the
// owner. Other entries are not affected.
type BadRow struct {
	ID     string // empty if it could not be read either
	Reason string
	Raw    []byte
}

// Listing is the answer to one poll, or a part of it.
type Listing struct {
	Orders []Facts
	Bad    []BadRow
	// More: another part follows, so what is not in this one says nothing.
	More bool
}
