// Package notify sends short texts to the owner of the agent: to a chat, a phone, a
// mailbox, a program. Each type of target is one small file that holds what its service
// documents: the longest text, the form of a request, and what its errors mean.
//
// It must not know why a text is sent, when, or whether it was sent before. It keeps
// nothing. A target may receive a text twice if its answer was lost.
package notify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/secret"
)

// Message is a text for the owner. Its parts may hold text of clients: each target
// escapes it for its service. They hold only what is printable, and line ends in Text.
type Message struct {
	// ID is the same each time a message is sent, and differs between messages.
	ID    string
	Title string // one line
	Text  string // lines, or empty
	// Urgent: it should make a sound.
	Urgent bool
	At     time.Time
}

// plain returns the message as text.
func (m Message) plain() string {
	return strings.TrimSpace(m.Title + "\n" + m.Text)
}

// Target is where messages go. It is safe for concurrent use.
type Target interface {
	// Send sends the message. ref names it for Edit, and is empty where the service
	// has no name for it. The error is a *Failure.
	Send(ctx context.Context, m Message) (ref string, err error)
}

// Editor is a Target that can replace the text of a message.
type Editor interface {
	Target
	// Edit replaces the text of the message that Send has named. The error is a
	// *Failure.
	Edit(ctx context.Context, ref string, m Message) error
}

// Kind is what a failure means for the messages of a target.
type Kind int

// The kinds of failure.
const (
	// Later: the same message may be sent again.
	Later Kind = iota
	// Refused: this message is not taken, and sending it again changes nothing.
	Refused
	// Broken: no message is taken until the owner changes the target.
	Broken
)

// Failure is a message that was not sent, or perhaps not sent.
type Failure struct {
	Kind Kind
	// Reason is one line without secrets. It may hold text of the service.
	Reason string
	// After is how long the service asks to wait, or 0.
	After time.Duration
}

func (f *Failure) Error() string { return f.Reason }

func failf(kind Kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// The values of Spec.Type.
const (
	TypeNtfy     = "ntfy"
	TypeTelegram = "telegram"
	TypeDiscord  = "discord"
	TypeSlack    = "slack"
	TypeWebhook  = "webhook"
	TypeEmail    = "email"
	TypeCommand  = "command"
)

// Types returns the values of Spec.Type.
func Types() []string {
	return []string{TypeNtfy, TypeTelegram, TypeDiscord, TypeSlack, TypeWebhook, TypeEmail, TypeCommand}
}

// Spec describes one target. Which fields a type reads is said at each.
type Spec struct {
	Type string
	// URL returns the address of ntfy (with its topic), discord, slack and webhook. It is
	// a function because the address may be secret and is read for each message. For
	// telegram it is another server of the Bot API, or nil.
	URL func() (secret.Text, error)
	// Token returns the access token of ntfy, the bearer token of webhook, the bot's
	// token of telegram, or the password of email. Nil is none.
	Token func() (secret.Text, error)
	// Chat is the chat of telegram: its number or @name.
	Chat string
	// Mail is for email.
	Mail Mail
	// Run is for command: it runs the owner's program with the input.
	Run func(ctx context.Context, input []byte) error
	// Transport carries the requests; nil is the network.
	Transport http.RoundTripper
}

// Mail is how email is sent.
type Mail struct {
	// Server is host:port. TLS is used from the start on port 465, and by STARTTLS on
	// others. Plain sends without it, for a server on this machine.
	Server string
	Plain  bool
	User   string // empty sends no password
	From   string
	To     []string
}

// timeout is how long one message may take.
const timeout = 30 * time.Second

// New returns the target. It sends nothing.
func New(s Spec) (Target, error) {
	p := poster{client: newClient(s.Transport), url: s.URL, token: s.Token}
	switch s.Type {
	case TypeNtfy:
		return ntfy{p}, nil
	case TypeTelegram:
		return telegram{p, s.Chat}, nil
	case TypeDiscord:
		return discord{p}, nil
	case TypeSlack:
		return slack{p}, nil
	case TypeWebhook:
		return webhook{p}, nil
	case TypeEmail:
		return email{mail: s.Mail, password: s.Token}, nil
	case TypeCommand:
		return command{s.Run}, nil
	}
	return nil, fmt.Errorf("%.40q is no type of notification", s.Type)
}
