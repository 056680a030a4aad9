package order

import "time"

// Boot is what a daemon or a heartbeat knows when it begins.
type Boot struct {
	Version string
	// Restored is why the ledger was restored, and is to be reconciled before any work;
	// empty if it was not.
	Restored string
	// Host is the name of this host.
	Host string
	// Epoch is the one that begins; one that is not later than the ledger's continues that.
	Epoch int64
}

// Waiting is an order that waits for its delivery.
type Waiting struct {
	ID      string
	Service string
	Since   time.Time
	DueAt   time.Time
}

// Run is the last process that has worked on the data folder.
type Run struct {
	Version string
	BeganAt time.Time
	// EndedAt is when it stopped; zero for one that runs, and for one that has crashed.
	EndedAt time.Time
	// Note is the internal error that ended it, or empty.
	Note string
}
