package view

import (
	"cmp"
	"context"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// Thread is the messages about an order.
type Thread struct {
	// ReadAt is when the thread was last read at the marketplace, zero for never. NextRead is
	// when it is read next without a hint of news, zero if it is read no more.
	ReadAt   time.Time  `json:"read_at,omitzero"`
	NextRead time.Time  `json:"next_read_at,omitzero"`
	Messages []Message  `json:"messages"`
	Outbox   []Outgoing `json:"outbox"`
}

// Message is a message of the thread.
type Message struct {
	ID     string      `json:"id"`
	Party  order.Party `json:"party"`
	Sender string      `json:"sender"`
	Text   string      `json:"text"`
	At     time.Time   `json:"at"`
}

// Outgoing is a message of the agent.
type Outgoing struct {
	Reason   string         `json:"reason"`
	State    order.OutState `json:"state"`
	Text     string         `json:"text"` // empty until it is written from its template
	Tries    int            `json:"tries"`
	SentAt   time.Time      `json:"sent_at,omitzero"`
	InThread bool           `json:"in_thread"` // when the thread was last read

	Position int        `json:"-"`
	Work     store.Work `json:"-"`
}

// Thread reads the messages about an order, as they were last read.
func (r Reader) Thread(ctx context.Context, id string) (Thread, error) {
	o, err := r.Store.Order(ctx, id)
	if err != nil {
		return Thread{}, err
	}
	thread, err := r.Store.Thread(ctx, id)
	if err != nil {
		return Thread{}, err
	}
	outbox, err := r.Store.Outbox(ctx, id)
	if err != nil {
		return Thread{}, err
	}
	works, err := r.Store.Works(ctx, id)
	if err != nil {
		return Thread{}, err
	}
	return viewThread(o, thread, outbox, works), nil
}

// ThreadAge is how old a thread of an open order is at most while all is well.
func (r Reader) ThreadAge() time.Duration {
	return 2 * cmp.Or(r.Config().Messages.Interval, 30*time.Minute)
}

func viewThread(o order.Order, thread []order.Message, outbox []order.Outgoing, works []store.Work) Thread {
	v := Thread{ReadAt: o.ThreadReadAt, NextRead: o.ThreadDueAt, Messages: []Message{}, Outbox: []Outgoing{}}
	unmatched := map[string]int{} // messages of the agent in the thread, by text
	for _, m := range thread {
		v.Messages = append(v.Messages, Message(m))
		if m.Party != order.PartyClient {
			unmatched[m.Text]++
		}
	}
	for _, m := range outbox {
		out := Outgoing{Reason: m.Reason, State: m.State, Text: m.Body, Tries: m.Tries, SentAt: m.SentAt, Position: m.Position}
		if (m.State == order.OutSent || m.State == order.OutSending) && unmatched[m.Body] > 0 {
			unmatched[m.Body]--
			out.InThread = true
		}
		for _, w := range works {
			if w.Kind == order.KindMessage && w.Round == m.Position {
				out.Work = w
			}
		}
		v.Outbox = append(v.Outbox, out)
	}
	return v
}

// Fate describes what happened to a message that is not in the thread.
func (m Outgoing) Fate(now time.Time) string {
	switch m.State {
	case order.OutSent:
		return "sent " + words.Relative(now, m.SentAt) + ", not in the thread when it was last read"
	case order.OutRefused:
		return "refused by the marketplace, not sent"
	case order.OutUnknown:
		if m.SentAt.IsZero() {
			return "not sent: the full thread does not show whether it was before an older copy of the data folder was put back"
		}
		return "sent " + words.Relative(now, m.SentAt) + " without an answer; the full thread does not show whether it arrived"
	case order.OutDropped:
		return "dropped, not sent"
	case order.OutDraft:
		if m.Text == "" {
			return "the assistant writes it"
		}
		return "a draft that waits for you"
	}
	text := string(m.State) + ", not in the thread yet"
	if wait := Waits(m.Work, now); wait != "" {
		text += "; " + wait
	}
	return text
}

// MessageName names a message of the agent: by its template, or by the owner who
// wrote it.
func MessageName(reason string) string {
	switch name := order.Template(reason); name {
	case "owner":
		return "written by you"
	case order.ReplyTemplate:
		return "written by the assistant"
	case "piece", "revised", "question":
		return `"` + words.Line(strings.Replace(reason, "-", " ", 1), 40) + `"`
	default:
		return `"` + words.Line(name, 40) + `"`
	}
}
