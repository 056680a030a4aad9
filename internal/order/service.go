package order

import "time"

// ListedState is the state of one of our services at the marketplace.
type ListedState string

// The states of a service. One in state Creating may exist there already, so the
// list of services is read before it is created again.
const (
	ServiceWanted   ListedState = "wanted"
	ServiceCreating ListedState = "creating"
	ServiceListed   ListedState = "listed"
	ServiceHeld     ListedState = "held"
	// ServiceRetired: the owner took it off the marketplace.
	ServiceRetired ListedState = "retired"
)

// Listed is one of our services with its state at the marketplace.
type Listed struct {
	Title    string
	RemoteID string
	State    ListedState
	Reason   string
	Since    time.Time
}
