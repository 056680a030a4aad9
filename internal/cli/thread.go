package cli

import (
	"cmp"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// threadView is the messages about an order.
type threadView struct {
	Messages []messageView  `json:"messages"`
	Outbox   []outgoingView `json:"outbox"`
}

type messageView struct {
	ID     string      `json:"id"`
	Party  order.Party `json:"party"`
	Sender string      `json:"sender"`
	Text   string      `json:"text"`
	At     time.Time   `json:"at"`
}

type outgoingView struct {
	Reason   string         `json:"reason"`
	State    order.OutState `json:"state"`
	Text     string         `json:"text"` // empty until it is written from its template
	Tries    int            `json:"tries"`
	SentAt   time.Time      `json:"sent_at,omitzero"`
	InThread bool           `json:"in_thread"` // when the thread was last read

	position int
	work     store.Work
}

func viewThread(thread []order.Message, outbox []order.Outgoing, works []store.Work) threadView {
	v := threadView{Messages: []messageView{}, Outbox: []outgoingView{}}
	unmatched := map[string]int{} // messages of the agent in the thread, by text
	for _, m := range thread {
		v.Messages = append(v.Messages, messageView(m))
		if m.Party != order.PartyClient {
			unmatched[m.Text]++
		}
	}
	for _, m := range outbox {
		out := outgoingView{Reason: m.Reason, State: m.State, Text: m.Body, Tries: m.Tries, SentAt: m.SentAt, position: m.Position}
		if (m.State == order.OutSent || m.State == order.OutSending) && unmatched[m.Body] > 0 {
			unmatched[m.Body]--
			out.InThread = true
		}
		for _, w := range works {
			if w.Kind == order.KindMessage && w.Round == m.Position {
				out.work = w
			}
		}
		v.Outbox = append(v.Outbox, out)
	}
	return v
}

// noText stands for the text of a message that is no longer kept.
const noText = "(its text is no longer kept)"

func (v threadView) show(g *term.Page, now time.Time) {
	for _, m := range v.Messages {
		who := string(m.Party)
		if m.Party == order.PartyOther {
			who = m.Sender
		}
		g.Linef("%s  %s", g.Paint(term.Bold, term.Line(who, 40)), g.Paint(term.Dim, term.Relative(now, m.At)))
		g.Quote(cmp.Or(m.Text, noText))
	}
	for _, m := range v.Outbox {
		if m.InThread {
			continue // it is shown above
		}
		g.Wrap("  ", m.fate(now), term.Styled(term.Bold, "agent"), term.Plain(", "+messageName(m.Reason)+"  "))
		missing := "(not written yet)"
		if m.Tries > 0 {
			missing = noText
		}
		g.Quote(cmp.Or(m.Text, missing))
	}
}

// fate describes what happened to a message that is not in the thread.
func (m outgoingView) fate(now time.Time) string {
	switch m.State {
	case order.OutSent:
		return "sent " + term.Relative(now, m.SentAt) + ", not in the thread when it was last read"
	case order.OutRefused:
		return "refused by the marketplace, not sent"
	case order.OutUnknown:
		if m.SentAt.IsZero() {
			return "not sent: it may have been before the data folder was restored, and the full thread does not show it"
		}
		return "sent " + term.Relative(now, m.SentAt) + " without an answer; the full thread does not show whether it arrived"
	case order.OutDropped:
		return "dropped, not sent"
	}
	text := string(m.State) + ", not in the thread yet"
	if wait := waits(m.work, now); wait != "" {
		text += "; " + wait
	}
	return text
}

// messageName names a message of the agent: by its template, or by the owner who
// wrote it.
func messageName(reason string) string {
	switch name := order.Template(reason); name {
	case "owner":
		return "written by you"
	case "piece", "revised", "question":
		return `"` + term.Line(strings.Replace(reason, "-", " ", 1), 40) + `"`
	default:
		return `"` + term.Line(name, 40) + `"`
	}
}
