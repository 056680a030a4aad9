package order

import (
	"fmt"
	"strings"
	"time"
)

// Party is who wrote a message.
type Party string

// The parties of a thread. PartyOther is anybody whom the marketplace names by
// a word that this program does not know.
const (
	PartyClient Party = "client"
	PartyAgent  Party = "agent"
	PartyOther  Party = "other"
)

// Message is one entry of an order's thread. Its text is foreign.
type Message struct {
	// ID is the marketplace's; never empty.
	ID     string
	Party  Party
	Sender string // the marketplace's own word
	Text   string
	At     time.Time
}

// Thread is what a read of an order's thread showed, and what it means.
type Thread struct {
	OrderID  string
	Messages []Message
	// Next is when to read it again.
	Next time.Time
	// Pieces says that each message of the client asks for a piece of a
	// subscription, of which there are Quota (0: without limit). Messages from
	// Until on ask for nothing; zero is no end.
	Pieces bool
	Quota  int
	Until  time.Time
}

// NewMessage is a message that is owed to a client, at most once for each Reason.
type NewMessage struct {
	// Reason names why: received, delivered, revised-1, piece-3. What comes
	// before the dash is the template it is written from when Body is empty.
	Reason string
	Body   string
}

// DeliveredTemplate is the template of the message that follows a delivery, and
// the reason that keeps it from being said twice.
func DeliveredTemplate(round int) (template, reason string) {
	if round == 0 {
		return "delivered", "delivered"
	}
	return "revised", fmt.Sprintf("revised-%d", round)
}

// Template is the name of the template that a reason is written from.
func Template(reason string) string {
	name, _, _ := strings.Cut(reason, "-")
	return name
}

// OutState is how much is known of a message of ours. One that is Sending may
// or may not stand in the thread.
type OutState string

// The states of a message of ours.
const (
	OutQueued  OutState = "queued"
	OutSending OutState = "sending"
	OutSent    OutState = "sent"
	OutRefused OutState = "refused"
	// OutDropped: there was no longer a reason, or an order, to say it.
	OutDropped OutState = "dropped"
)

// Outgoing is the durable record of a message to a client.
type Outgoing struct {
	OrderID  string
	Position int
	Reason   string
	Body     string
	State    OutState
	Tries    int
	SentAt   time.Time
	// Alike is how many messages with the same text are known to have been sent
	// to the same order.
	Alike int
}
