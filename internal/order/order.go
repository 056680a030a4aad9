// Package order is the vocabulary of the daemon: what an order, a job, an
// artifact and a failure are, in the words every other package uses.
//
// It is pure. It must not know SQL, HTTP, files, configuration or the clock.
package order

import (
	"encoding/json"
	"slices"
	"time"
)

// Status is the marketplace's own word for where an order stands. A word this
// package does not know is kept as it came: new ones appear at any time.
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

// LiveStatuses are the statuses of orders that can still change our work. A
// poll names all of them: the list is one request whatever its length.
func LiveStatuses() []Status {
	return []Status{PendingQuote, Quoted, Accepted, Paid, InProgress, Delivered,
		Disputed, RevisionRequested, Cancelled}
}

// AllStatuses are the live ones and completed, whose list grows for ever and is
// therefore only asked for when an order has left the live list.
func AllStatuses() []Status { return append(LiveStatuses(), Completed) }

// Known says whether s is a status this program was written for.
func (s Status) Known() bool { return slices.Contains(AllStatuses(), s) }

// Ended says whether the marketplace is finished with the order.
func (s Status) Ended() bool { return s == Completed || s == Cancelled }

// TakesDelivery says whether a first or a new delivery is owed in this status.
func (s Status) TakesDelivery() bool {
	return s == Paid || s == InProgress || s.Reopened()
}

// Reopened says whether the client has sent a delivery back.
func (s Status) Reopened() bool { return s == Disputed || s == RevisionRequested }

// TakesMessages says whether the marketplace's guide lets us write to the
// client in this status; the deployed marketplace adds revision_requested.
func (s Status) TakesMessages() bool {
	return s.TakesDelivery() || s == Delivered || s == Completed
}

// State is our own word for where an order stands.
type State string

// The states of an order in our file.
const (
	// StateWaiting: nothing is owed now; the client has to act.
	StateWaiting State = "waiting"
	// StateWorking: a job for it is ready or running.
	StateWorking State = "working"
	// StateHeld: the owner has to act.
	StateHeld State = "held"
	// StateDelivered: delivered, within the client's review.
	StateDelivered State = "delivered"
	// StateFailed: given up without a delivery; the owner may retry it.
	StateFailed State = "failed"
	// StateCompleted and StateCancelled: the marketplace has ended it.
	StateCompleted State = "completed"
	StateCancelled State = "cancelled"
)

// Facts is what the marketplace said of one order at one moment, every shape
// of its answers already made plain. Zero values mean that it did not say.
type Facts struct {
	ID              string
	ServiceID       string
	ServiceTitle    string
	ClientWallet    string
	Brief           string
	ReferenceURLs   []string
	ReferenceImages []string
	// Answers holds requirement_answers as a JSON array or object, or nil.
	Answers json.RawMessage
	Status  Status
	Price   *USD // quoted_price_usd
	Fee     *USD // platform_fee_usd

	CreatedAt          time.Time
	DeliveredAt        time.Time
	ReviewDeadline     time.Time
	CompletedAt        time.Time
	WorkspaceExpiresAt time.Time

	// Deliverables are the URLs that the client sees as delivered.
	Deliverables  []string
	MaxRevisions  *int
	RevisionCount *int
	QuotaTotal    *int
	QuotaUsed     *int
	PayoutTx      string

	// Raw is the order's JSON as it came.
	Raw json.RawMessage
}

// BadRow is an entry of an order list that could not be read. It is recorded
// and held; the rows beside it go on.
type BadRow struct {
	ID     string // empty when not even the id could be read
	Reason string
	Raw    []byte
}

// Listing is the answer to one poll.
type Listing struct {
	Orders []Facts
	Bad    []BadRow
}
