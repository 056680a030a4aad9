package order

import "time"

// ListedState is how one of our services stands at the marketplace.
type ListedState string

// The states of a service. One that is Creating may or may not exist there
// already: the list of services is read before it is ever created again.
const (
	ServiceWanted   ListedState = "wanted"
	ServiceCreating ListedState = "creating"
	ServiceListed   ListedState = "listed"
	ServiceHeld     ListedState = "held"
	// ServiceRetired: the owner has taken it off the market.
	ServiceRetired ListedState = "retired"
)

// Listed is one of our services and how it stands at the marketplace.
type Listed struct {
	Title    string
	RemoteID string
	State    ListedState
	Reason   string
	Since    time.Time
}
