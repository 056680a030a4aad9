package order

import (
	"strings"
	"time"
	"unicode"
)

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
	// ServiceDelisted: the owner took it off the marketplace for as long as it is paused.
	ServiceDelisted ListedState = "delisted"
)

// Listed is one of our services with its state at the marketplace.
type Listed struct {
	Title    string
	RemoteID string
	State    ListedState
	// Reason is why a service is held. Of a listed one it is what the marketplace
	// shows otherwise than the configuration; empty if nothing.
	Reason string
	// Differs has the fields behind the reason of a listed service, as JSON.
	Differs string
	Since   time.Time
}

// NormalTitle returns a title as the marketplace stores it: without spaces at its
// ends, and each run of spaces as one.
func NormalTitle(title string) string {
	odd := title == "" || title[0] == ' ' || title[len(title)-1] == ' ' || strings.Contains(title, "  ") ||
		strings.ContainsFunc(title, func(r rune) bool { return r != ' ' && unicode.IsSpace(r) })
	if !odd {
		return title // mostly; a poll compares many
	}
	return strings.Join(strings.Fields(title), " ")
}

// SameTitle reports whether two titles name the same service. The marketplace ignores
// case.
func SameTitle(a, b string) bool { return strings.EqualFold(NormalTitle(a), NormalTitle(b)) }
