package order

import (
	"fmt"
	"time"
)

// Ledger is what the database says of itself.
type Ledger struct {
	// ID is random and never changes. It is empty before the first start.
	ID string
	// AgentID and BaseURL are those of the credentials that were accepted; empty
	// before that.
	AgentID, BaseURL string
	// Epoch counts from 1 which hosts have worked with the ledger one after the other, and
	// Host is the one of the last process; empty if no process has recorded it.
	Epoch int64
	Host  string
	// Boot counts the starts of a daemon, and Event is the number of the newest event.
	Boot, Event int64
	// Marked: a mark was written next to the database.
	Marked bool
	// Used: the database has orders.
	Used bool
	// Reconcile is why the ledger is to be reconciled before it works; empty if it
	// is not.
	Reconcile string
	// RestoredAt is when the last restore was noticed; zero once the owner has accepted it.
	RestoredAt time.Time
	// LastAt is the time of the newest event that the ledger was compared with, or of the
	// newest of all; zero if there is none.
	LastAt time.Time
}

// Mark is a copy of how far the ledger had come, in a file next to the database. A
// database that is older than its mark was restored.
type Mark struct {
	Ledger string    `json:"ledger"`
	Event  int64     `json:"event"`
	Boot   int64     `json:"boot"`
	At     time.Time `json:"at"`
	// Restored is why the ledger is known to be restored: it came out of a backup. Empty
	// in the mark of a daemon.
	Restored string `json:"restored,omitempty"`
}

// LedgerCopy is what a copy of the database says of itself.
type LedgerCopy struct {
	ID, AgentID string
	Event       int64 // the number of its newest event
	// Files are those that it names in the data folder.
	Files []StoredFile
}

// StoredFile is a file in the data folder as the ledger has it.
type StoredFile struct {
	Path   string // within the data folder, with slashes
	Bytes  int64
	SHA256 string
}

// Mark returns the mark of the ledger as it is.
func (l Ledger) Mark(now time.Time) Mark {
	return Mark{Ledger: l.ID, Event: l.Event, Boot: l.Boot, At: now.UTC().Truncate(time.Second)}
}

// Behind returns why the mark shows that the ledger was restored, or "". The mark is
// nil where there is none that can be read.
func (l Ledger) Behind(m *Mark) string {
	switch {
	case m == nil && l.Marked:
		return "the database was put into another data folder: its ledger.mark is missing"
	case m == nil:
		return "" // a new database, or one of a version without a mark
	case m.Ledger != l.ID:
		return "the database is not the one that ledger.mark was written for"
	case m.Restored != "":
		return m.Restored
	case m.Boot > l.Boot || m.Event > l.Event:
		return fmt.Sprintf("the database is older than ledger.mark, which was written at %s", m.At.UTC().Format(time.RFC3339))
	}
	return ""
}

// Lacks adds to the reason of a restore since when the ledger may lack something.
func (l Ledger) Lacks(why string, now time.Time) string {
	if l.LastAt.IsZero() {
		return why
	}
	return fmt.Sprintf("%s; it may lack what was done since %s (%s)", why,
		l.LastAt.UTC().Format(time.RFC3339), now.Sub(l.LastAt).Round(time.Minute))
}

// Record is what the ledger has of an order, as far as the marketplace shows it too.
type Record struct {
	OrderID string
	State   State
	// Status and Revisions are what the marketplace showed last. Revisions is nil where
	// it does not count them.
	Status    Status
	Revisions *int
	Round     int
	// Settled: the current round is delivered, by us or by somebody else, or it was
	// sent without an answer.
	Settled bool
	// Restored: the ledger was restored since, and the owner has not accepted that.
	Restored bool
	// Elsewhere: somebody else delivered a round, with files that the ledger may lack.
	Elsewhere bool
	// Windowed: it is the paid window of a subscription, whose end makes it delivered.
	Windowed bool
	// Quoted: a price was quoted, by us or by somebody else, or sent without an answer.
	Quoted bool
	// Files are the addresses that were sent or that the ledger has seen, and Sent only
	// the former.
	Files, Sent []string
	// Outbox are our messages. Seen are the agent's messages of the stored thread,
	// texts by id.
	Outbox []Outgoing
	Seen   map[string]string
}

// MayShowAct reports whether the facts may show a delivery or a quote: they have files,
// or a status that only comes after one.
func (f Facts) MayShowAct() bool {
	switch f.Status {
	case PendingQuote, Paid, InProgress, Cancelled:
		return len(f.Deliverables) > 0
	}
	return true
}

// Adoption is what the marketplace shows of our doing on an order and the ledger
// lacks, as it is written into the ledger.
type Adoption struct {
	OrderID string
	// Rounds is how many rounds the marketplace shows as delivered; 0 adds none.
	Rounds int
	// Files are the files shown that the ledger lacks.
	Files []string
	// Sent are messages of the outbox that the thread shows, by position, and Pieces
	// are pieces whose message the thread shows.
	Sent   []int
	Pieces []AdoptedPiece
	// Restored: the ledger was restored, so what was spent on the order is unknown.
	Restored bool
}

// AdoptedPiece is a piece of a subscription that the thread shows as sent.
type AdoptedPiece struct {
	Number int
	Text   string
	Files  []Artifact // what the message links to
	At     time.Time
}

// ForeignAct is a delivery, a quote or a message in the agent's name that the ledger
// lacks.
type ForeignAct struct {
	OrderID string    `json:"order"`
	What    string    `json:"what"` // such as "delivered"
	At      time.Time `json:"at"`   // when it was seen
}
