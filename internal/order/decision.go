package order

import "time"

// Known is what our file holds of an order that the marketplace lists.
type Known struct {
	// Exists is false for an order never seen before.
	Exists  bool
	Service string // the title of the service that it was given to
	State   State
	Status  Status
	Round   int
	Code    Code
	Missing bool
	// Job and Delivery are those of the current round; empty if there is none.
	Job      JobState
	Delivery DeliveryState
	// Quoting is the job of the order's quote, Quote the quote; empty if there
	// is none.
	Quoting JobState
	Quote   QuoteState
}

// JobsAction is what becomes of the order's unfinished work.
type JobsAction string

// The actions on unfinished work.
const (
	// JobsKeep leaves it as it is.
	JobsKeep JobsAction = ""
	// JobsOpen makes the delivery of Decision.Round: from Decision.Stage, or from
	// its first stage, and not before Decision.RunAt.
	JobsOpen JobsAction = "open"
	// JobsQuote makes the job of a quote.
	JobsQuote JobsAction = "quote"
	// JobsClose ends it: the order has ended.
	JobsClose JobsAction = "close"
	// JobsDelivered ends it because the delivery that had no answer has arrived.
	JobsDelivered JobsAction = "landed"
	// JobsElsewhere ends it because somebody else delivered this round.
	JobsElsewhere JobsAction = "elsewhere"
	// JobsHold stops it until something changes.
	JobsHold JobsAction = "hold"
	// JobsRelease lets held or closed work of the current round run again.
	JobsRelease JobsAction = "release"
)

// Decision is what follows for us from what the marketplace says of an order.
type Decision struct {
	State State
	// Code, Reason and Hint say why, when State is held or failed.
	Code   Code
	Reason string
	Hint   string
	// Service is the title of the configured service; DueAt the deadline.
	Service string
	DueAt   time.Time
	// Bounty is the claim of ours that the new order has come from; empty for
	// any other.
	Bounty string
	Round  int
	Jobs   JobsAction
	Stage  Stage
	RunAt  time.Time
	// RunAfter, where RunAt is not known, is the time from now that the new work
	// waits, and that it is then due.
	RunAfter time.Duration
	// Quote ends the order's quote, which is open no more; empty otherwise.
	Quote QuoteState
	// Messages are messages that follow.
	Messages []NewMessage
	// Note is a line for the order's timeline; empty for none.
	Note string
}

// Batch is a listing with what is needed to apply it to the file.
type Batch struct {
	Listing
	// Mark is the store's Mark from before the poll was sent: an order in which
	// we have acted since is left alone, for the listing may be older than the act.
	Mark int64
	// Complete says that every status was asked for, so that an order which is
	// not listed has vanished.
	Complete bool
	// Decide and Vanished say what follows; both must be pure.
	Decide   func(Known, Facts) Decision
	Vanished func(Known) Decision
}

// Applied sums up what a batch has changed.
type Applied struct {
	Counts
	// Moved are the orders that are new, or in which the client made a move.
	Moved []string
}

// Counts are the numbers of Applied.
type Counts struct {
	New, Changed, Unreadable int
	// Missing counts orders that have not ended, were not listed, and were not
	// known to be missing before.
	Missing int
}
