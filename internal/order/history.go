package order

import "time"

// HistoryPart is a part of what is kept of orders that have ended.
type HistoryPart string

// The parts of the history.
const (
	HistoryFiles    HistoryPart = "files"    // with the references
	HistoryWork     HistoryPart = "work"     // what generators wrote
	HistoryRequests HistoryPart = "requests" // to the marketplace, of any order
	HistoryAttempts HistoryPart = "attempts" // and calls
	HistoryTexts    HistoryPart = "texts"    // and events
)

// Pruned is what is removed of the history, in the words that the owner sees.
type Pruned string

// What is removed of the history.
const (
	PrunedFiles    Pruned = "files"
	PrunedWork     Pruned = "work folders"
	PrunedAttempts Pruned = "attempts"
	PrunedCalls    Pruned = "calls"
	PrunedEvents   Pruned = "events"
	PrunedTexts    Pruned = "orders without their texts"
	PrunedRequests Pruned = "requests"
	PrunedNotices  Pruned = "messages to you, alerts, events of the daemon and runs"
	PrunedCopies   Pruned = "copies of the database"
	PrunedStored   Pruned = "files in your storage"
	PrunedBeyond   Pruned = "of the oldest files, beyond history.max_gb"
)

// Prunable is how much of the history may be removed.
type Prunable struct {
	What  Pruned
	Count int
	Bytes int64
}

// Removed says when parts of the history of an order were removed. Zero is for what is
// still there.
type Removed struct{ Files, Attempts, Texts time.Time }
