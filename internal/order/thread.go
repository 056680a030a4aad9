package order

import (
	"errors"
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

// The marketplace shows the oldest ThreadPage messages of a thread and no later one.
// The owner is alerted when a thread has ThreadAlert.
const (
	ThreadPage  = 50
	ThreadAlert = 45
)

// ThreadFull reports whether a thread shows as many messages as the marketplace ever
// shows. Then it says nothing about a message that it does not show.
func ThreadFull(shown []Message) bool { return len(shown) >= ThreadPage }

// EventMessage is the webhook for a message of the client. Any other webhook with
// content is feedback on a delivery.
const EventMessage = "order.message"

// Webhook is a signed event that carries what the marketplace may show nowhere else.
// It adds to the thread and to the books. It decides no status.
type Webhook struct {
	OrderID string
	Event   string
	// Hash is of the event's data. With order, event and Revision it tells whether
	// two are the same.
	Hash     string
	Revision int
	// Text is what the client wrote, or empty. Foreign.
	Text string
	// Amount is what was paid out, or nil.
	Amount *USD
	// BountyID is the bounty on which our claim was rejected, or empty.
	BountyID string
	// SignedAt is by the marketplace's clock.
	SignedAt time.Time
}

// Thread is what a read of an order's thread showed, and what follows from it.
type Thread struct {
	OrderID  string
	Messages []Message
	// Unread: the thread could not be read, so Messages says nothing.
	Unread bool
	// Next is when it is read again. Asked is when the marketplace was asked for the
	// messages: a thread that became due since then may have more, so it stays due.
	Next, Asked time.Time
	// Pieces: each message of the client asks for a piece of a subscription. Quota
	// is how many there are; 0 is without limit. Messages at Until or later ask for
	// nothing; zero is no end.
	Pieces bool
	Quota  int
	Until  time.Time
	// Unasked: the thread shows that piece 1 was begun from the brief, so the client's
	// messages ask for the pieces after it.
	Unasked bool
	// Answer: the assistant answers the client.
	Answer bool
}

// ReplyTemplate begins the reasons of the assistant's replies.
const ReplyTemplate = "reply"

// ErrStale is returned for a reply to something that the client has not written last, or
// that the owner has answered.
var ErrStale = errors.New("the thread has a newer message")

// NewMessage is a message to send to a client, once for each Reason.
type NewMessage struct {
	// Reason is received, delivered, revised-1, question-1, piece-3 and so on. The part before
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

// Links returns the web addresses in a text, in its order.
func Links(text string) (list []string) {
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			list = append(list, word)
		}
	}
	return list
}

// OutState is the state of an outgoing message. One in state Sending may be in the
// thread already.
type OutState string

// The states of an outgoing message.
const (
	// OutDraft: the assistant writes it, or it waits for the owner.
	OutDraft   OutState = "draft"
	OutQueued  OutState = "queued"
	OutSending OutState = "sending"
	OutSent    OutState = "sent"
	OutRefused OutState = "refused"
	// OutDropped: it is not sent, because its order ended or its template is off.
	OutDropped OutState = "dropped"
	// OutUnknown: it was sent without an answer, or may have been before the ledger was
	// restored, and a full thread does not show whether it arrived. It is not sent again.
	OutUnknown OutState = "unknown"
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
	QueuedAt time.Time
}
