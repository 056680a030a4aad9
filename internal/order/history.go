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

// Prunable is how much of the history may be removed.
type Prunable struct {
	What  string // such as files
	Count int
	Bytes int64
}

// Removed says when parts of the history of an order were removed. Zero is for what is
// still there.
type Removed struct{ Files, Attempts, Texts time.Time }
