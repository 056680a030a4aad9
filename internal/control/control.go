// Package control is the socket between a running daemon and the owner's commands on the
// same machine. It carries what is not worth a row of the database, such as when the next
// poll is, and requests that cannot wait, such as a poll now. It speaks HTTP over a
// Unix socket in the data folder, which only the owner can reach. What must last goes
// through the database, and a command works without the socket.
//
// It must not know SQL, the marketplace, or the command line.
package control

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// Daemon is what the server needs of a running daemon.
type Daemon interface {
	// State returns what the daemon does at the moment.
	State() State
	// Wake has the daemon look at the database at once. It does not block.
	Wake()
	// Poll polls the marketplace as soon as the budget of requests allows, or returns
	// why that is not now.
	Poll(ctx context.Context) (Poll, error)
	// Reload has the daemon read its configuration again, and waits for that.
	Reload() Reload
	// ConsoleLink makes a link that logs name in to the console once.
	ConsoleLink(ctx context.Context, name string) ConsoleLink
}

// ConsoleLink is a link that logs in to the console once.
type ConsoleLink struct {
	URL     string    `json:"url,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	// Error is why there is none; Hint is the next step.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// Reload is the outcome of a reload.
type Reload struct {
	// Path is the configuration file.
	Path string `json:"path"`
	// Error is why the old configuration stays in use, one line a problem; empty if the
	// new one is in use. Hint is the next step.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// State is what a daemon does at the moment.
type State struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	// Confined: the unit denies programs memory that is writable and executable, or
	// namespaces.
	Confined bool `json:"confined,omitzero"`
	// Stopping is true once the daemon takes no new work.
	Stopping bool   `json:"stopping"`
	Poll     Poll   `json:"poll"`
	Work     []Work `json:"work"`
	Loops    []Loop `json:"loops"`
	// Console is how the console stands; zero where it is off.
	Console Console `json:"console,omitzero"`
}

// Console is how the console stands.
type Console struct {
	URL string `json:"url,omitempty"` // where browsers find it
	// Error is why it is not served.
	Error string `json:"error,omitempty"`
}

// Poll is the last poll, and when the next one is due.
type Poll struct {
	// At is when the last poll began; zero before the first.
	At time.Time `json:"at,omitzero"`
	// Orders is how many orders it has shown, New and Changed how many of them were.
	Orders  int `json:"orders"`
	New     int `json:"new"`
	Changed int `json:"changed"`
	// Error is why it failed or was not sent; empty if it succeeded.
	Error string `json:"error,omitempty"`
	// Next is when the next poll is due; zero while one runs.
	Next time.Time `json:"next,omitzero"`
	// Kept is how many of the Limit requests of the window are kept for deliveries. Both
	// are zero where the marketplace counts each kind by itself.
	Kept  int `json:"kept"`
	Limit int `json:"limit"`
}

// Work is an attempt that runs.
type Work struct {
	Order   string      `json:"order_id"`
	Kind    order.Kind  `json:"kind"`
	Round   int         `json:"round"`
	Stage   order.Stage `json:"stage"`
	Attempt int         `json:"attempt"`
	Since   time.Time   `json:"since"`
	// Progress is how far it is, as far as that is known.
	Progress order.Progress `json:"progress,omitzero"`
}

// Loop is one thing that the daemon does for as long as it runs.
type Loop struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	// Stuck is how long the loop is past its limit; zero for one that turns.
	Stuck time.Duration `json:"stuck,omitzero"`
}
