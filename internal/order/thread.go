package order

import (
	"fmt"
	"strings"
	"time"
)

// Party is who wrote a message.
type Party string

// The parties of a thread. PartyOther is a party that this version does not know.
const (
	PartyClient Party = "client"
	PartyAgent  Party = "agent"
	PartyOther  Party = "other"
)

// Message is one entry of an order's thread. Its text is foreign.
type Message struct {
	// ID is the marketplace's id; never empty.
	ID     string
	Party  Party
	Sender string // the marketplace's own word
	Text   string
	At     time.Time
}

// Thread is what a read of an order's thread showed, and what follows from it.
type Thread struct {
	OrderID  string
	Messages []Message
	// Next is when it is read again.
	Next time.Time
	// Pieces: each message of the client asks for a piece of a subscription. Quota
	// is how many there are; 0 is without limit. Messages at Until or later ask for
	// nothing; zero is no end.
	Pieces bool
	Quota  int
	Until  time.Time
}

// NewMessage is a message to send to a client, once for each Reason.
type NewMessage struct {
	// Reason is received, delivered, revised-1, piece-3 and so on. The part before
	// the dash names the template that an empty Body is written from.
	Reason string
	Body   string
}

// DeliveredTemplate returns the template of the message after a delivery and the
// reason by which it is sent once.
func DeliveredTemplate(round int) (template, reason string) {
	if round == 0 {
		return "delivered", "delivered"
	}
	return "revised", fmt.Sprintf("revised-%d", round)
}

// Template returns the name of the template of a reason.
func Template(reason string) string {
	name, _, _ := strings.Cut(reason, "-")
	return name
}

// OutState is the state of an outgoing message. One in state Sending may be in the
// thread already.
type OutState string

// The states of an outgoing message.
const (
	OutQueued  OutState = "queued"
	OutSending OutState = "sending"
	OutSent    OutState = "sent"
	OutRefused OutState = "refused"
	// OutDropped: it is not sent, because its order ended or its template is off.
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
	// Alike is how many messages with the same text were sent for the same order.
	Alike int
}
