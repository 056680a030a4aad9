package order

import "time"

// Known is what the database has about an order that the marketplace lists.
type Known struct {
	// Exists is false for an order never seen before.
	Exists  bool
	Service string // the title of its service
	// Assigned: the owner has named the service. Begun: work for it has begun, so that
	// only the owner may name another. The store finds out about Begun only when the
	// decision is for another service.
	Assigned, Begun bool
	// OwnerCancelled: the owner has cancelled the order and has not taken that back.
	OwnerCancelled bool
	// ClientApproved: the owner has the order worked on whatever the rules for clients say.
	ClientApproved bool
	// RevisionCount is the marketplace's number of revisions; nil if it sent none.
	RevisionCount *int
	State         State
	Status        Status
	Round         int
	Code          Code
	Missing       bool
	// Job, its Stage, and Delivery are those of the current round; empty if there is
	// none.
	Job      JobState
	Stage    Stage
	Delivery DeliveryState
	// Again is how often the order was delivered again after it fell back to paid.
	// AgainFor is why the round is to be delivered again; empty if it is not.
	Again    int
	AgainFor AgainReason
	// Quoting is the job of the order's quote and Quote the quote itself; empty if
	// there is none.
	Quoting JobState
	Quote   QuoteState
}

// AtTheEnd reports whether the last round that was agreed on is delivered, so that only
// the owner may open another.
func (k Known) AtTheEnd() bool {
	settled := k.Delivery == DeliveryConfirmed || k.Delivery == DeliveryElsewhere
	return settled && (k.Code == CodeRoundCap || k.Code == CodeClientRounds || k.OwnerCancelled)
}

// JobsAction is what happens to the order's unfinished work.
type JobsAction string

// The actions on unfinished work.
const (
	// JobsKeep leaves it as it is.
	JobsKeep JobsAction = ""
	// JobsOpen makes a job for the delivery of Decision.Round. It begins with
	// Decision.Stage, or with the first stage.
	JobsOpen JobsAction = "open"
	// JobsQuote makes the job of a quote.
	JobsQuote JobsAction = "quote"
	// JobsClose ends it because the order has ended.
	JobsClose JobsAction = "close"
	// JobsDelivered ends it because a delivery of ours without an answer arrived.
	JobsDelivered JobsAction = "delivered"
	// JobsElsewhere ends it because somebody else delivered this round.
	JobsElsewhere JobsAction = "elsewhere"
	// JobsAgain delivers the round, which is delivered already, with the same files
	// again.
	JobsAgain JobsAction = "again"
	// JobsDone ends a redelivery that is no longer needed.
	JobsDone JobsAction = "done"
	// JobsHold holds it until something changes.
	JobsHold JobsAction = "hold"
	// JobsRelease lets held or closed work of the current round run again.
	JobsRelease JobsAction = "release"
)

// Decision is what follows from what the marketplace says about an order.
type Decision struct {
	State State
	// Code, Reason and Hint say why, when State is held or failed.
	Code   Code
	Reason string
	Hint   string
	// Service is the title of the configured service; DueAt the deadline.
	Service string
	DueAt   time.Time
	// OwnerOverruled: the client has acted, which ends the owner's cancellation.
	OwnerOverruled bool
	// Bounty is our claim that became the new order; empty for any other. BountyTitle
	// is the title of the bounty if it is known.
	Bounty, BountyTitle string
	Round               int
	Jobs                JobsAction
	Stage               Stage
	// DueAfter replaces an unknown DueAt: the job is due this long after the commit.
	DueAfter time.Duration
	// Quote, if it is not empty, is how the order's quote ended.
	Quote    QuoteState
	Messages []NewMessage
	// Note is a line for the order's timeline; empty for none.
	Note string
}

// Batch is a listing with what is needed to apply it to the database.
type Batch struct {
	Listing
	// Earlier are the ids in the earlier parts of the listing.
	Earlier map[string]bool
	// EarlierOpen is how many of them are open in the database.
	EarlierOpen int
	// Mark is the store's Mark from before the poll was sent. An order that we acted
	// on since then is left alone, because the listing may be older.
	Mark int64
	// Complete: every status was asked for, so an order that is not listed has
	// vanished.
	Complete bool
	// Decide and Vanished return what follows. Both must be pure.
	Decide   func(Known, Facts) Decision
	Vanished func(Known) Decision
	// Foreign returns what Facts show as done in the agent's name and Record lacks, or
	// "". It must be pure. Nil looks for nothing.
	Foreign func(Record, Facts) string
}

// Applied sums up what a batch changed.
type Applied struct {
	Counts
	// Moved are the orders that are new or that the client changed.
	Moved []string
	// Open is how many orders of the batch are open in the database now.
	Open int
}

// Add adds what another part of the listing changed.
func (a *Applied) Add(b Applied) {
	a.New += b.New
	a.Changed += b.Changed
	a.Unreadable += b.Unreadable
	a.Missing += b.Missing
	a.Busy += b.Busy
	a.Open += b.Open
	a.Moved = append(a.Moved, b.Moved...)
}

// CountOpen counts an order of the batch that is in the state now.
func (a *Applied) CountOpen(s State) {
	if !s.Ended() {
		a.Open++
	}
}

// Counts are the numbers of Applied.
type Counts struct {
	New, Changed, Unreadable int
	// Missing counts orders that have not ended, were not listed, and were listed
	// before.
	Missing int
	// Busy counts orders in which the daemon acts at this moment, so that the client's
	// move could not be decided yet.
	Busy int
}
