package order

import "time"

// MaxAgain is how often an order that falls back to paid is delivered again.
const MaxAgain = 2

// AgainReason is why a round that is delivered is delivered again.
type AgainReason string

// The reasons to deliver again.
const (
	// AgainForPaid: the marketplace set the delivered order back to paid. The same
	// files are sent.
	AgainForPaid AgainReason = "paid"
	// AgainForOwner: the owner replaces the files.
	AgainForOwner AgainReason = "owner"
)

// Redelivery is the durable record of one more delivery of a round. It has a row of
// its own, so that the record of the first delivery stays as it is.
type Redelivery struct {
	OrderID string
	Round   int
	N       int // from 1
	Reason  AgainReason
	State   DeliveryState
	Tries   int
	SentAt  time.Time
}
