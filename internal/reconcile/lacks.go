// Package reconcile compares what the marketplace shows of the agent's doing with what
// the ledger has of it. A ledger that lacks some of it was restored from a copy, or
// somebody else acts in the agent's name. What is shown as done is written into the
// ledger, so that it is not done again.
//
// It must not know SQL, HTTP, or how work is done.
package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// Missing is what the marketplace shows of the agent's doing on an order and the
// ledger lacks.
type Missing struct {
	OrderID string
	// Rounds is how many deliveries the ledger lacks, and Shown how many there are.
	Rounds, Shown int
	// Files are deliverables that the ledger has neither sent nor seen.
	Files []string
	// Messages are the agent's messages that the ledger has neither sent nor seen.
	Messages []order.Message
	// Ours: the text of one of the Messages waits in the outbox, so a daemon wrote it.
	Ours bool
	// Quote: the order was quoted.
	Quote bool
}

// Any reports whether anything is missing.
func (m Missing) Any() bool { return m.acts() || len(m.Messages) > 0 }

// acts reports whether anything but messages is missing.
func (m Missing) acts() bool { return m.Rounds > 0 || len(m.Files) > 0 || m.Quote }

// Lacks returns what the marketplace shows of the agent's doing on one order and the
// ledger lacks. thread is nil where it could not be read.
func Lacks(r order.Record, f order.Facts, thread []order.Message) Missing {
	m := Missing{OrderID: f.ID}
	if f.Status != order.Cancelled {
		m.Shown = deliveries(f, r.Windowed || !f.WorkspaceExpiresAt.IsZero())
		m.Rounds = max(m.Shown-had(r), 0)
		m.Quote = r.Status == order.PendingQuote && !r.Quoted && f.Status.Known() && f.Status != order.PendingQuote
		if !r.Elsewhere {
			for _, file := range f.Deliverables {
				if !slices.Contains(r.Files, file) {
					m.Files = append(m.Files, file)
				}
			}
		}
	}
	m.Messages = unknownMessages(r, thread)
	m.Ours = slices.ContainsFunc(m.Messages, func(t order.Message) bool {
		return slices.ContainsFunc(r.Outbox, func(o order.Outgoing) bool { return !left(o.State) && same(o.Body, t.Text) })
	})
	return m
}

// had returns how many deliveries the ledger has.
func had(r order.Record) int {
	if r.Settled {
		return r.Round + 1
	}
	return r.Round
}

// deliveries returns how many deliveries of an order the marketplace shows at least.
// Each revision and each dispute follows one. The end of a window makes its order
// delivered without any.
func deliveries(f order.Facts, windowed bool) int {
	revisions := 0
	if f.RevisionCount != nil {
		revisions = max(*f.RevisionCount, 0)
	}
	switch {
	case !f.Status.Known() && f.Shown == order.ShownFiles:
		return max(revisions, 1) // the last of them may have been sent back
	case f.Status == order.RevisionRequested:
		return max(revisions, 1)
	case f.Status == order.Disputed:
		return revisions + 1
	case f.Shown == order.ShownNone:
		return revisions
	case f.Shown == order.ShownFiles:
		return revisions + 1
	case (f.Status == order.Delivered || f.Status == order.Completed) && !windowed:
		return revisions + 1
	}
	return revisions
}

// left reports whether a message in the state was sent, or may have been.
func left(s order.OutState) bool {
	return s == order.OutSent || s == order.OutSending || s == order.OutUnknown
}

func same(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// unknownMessages returns the agent's messages in a thread that the ledger has neither
// sent nor seen.
func unknownMessages(r order.Record, thread []order.Message) []order.Message {
	return slices.DeleteFunc(unsent(r, thread), func(m order.Message) bool {
		_, seen := r.Seen[m.ID]
		return seen
	})
}

// unsent returns the agent's messages in a thread that the ledger has not sent. It may
// have seen them: a process may have died between reading the thread and adopting it.
// Messages with the same text are counted, because only the marketplace knows which is
// which.
func unsent(r order.Record, thread []order.Message) (list []order.Message) {
	sent := map[string]int{}
	for _, o := range r.Outbox {
		if left(o.State) {
			sent[strings.TrimSpace(o.Body)]++
		}
	}
	for _, t := range thread {
		if t.Party != order.PartyAgent {
			continue
		}
		text := strings.TrimSpace(t.Text)
		if sent[text] > 0 {
			sent[text]--
			continue
		}
		list = append(list, t)
	}
	return list
}

// Restored reports whether what the ledger lacks shows that it was restored from a
// copy. A message of the owner's own, written on the marketplace's page, does not. Nor
// does one delivery or one quote by hand, if nothing else is missing.
func Restored(all []Missing) bool {
	if len(all) == 1 && all[0].byHand() {
		return false
	}
	written := 0
	for _, m := range all {
		if m.acts() || m.Ours {
			return true
		}
		if len(m.Messages) > 0 {
			written++
		}
	}
	return written > 1
}

// byHand reports whether what is missing is one act, as of an owner on the marketplace's page.
func (m Missing) byHand() bool {
	quotes := 0
	if m.Quote {
		quotes = 1
	}
	return m.Rounds+quotes == 1 && len(m.Messages) == 0 || m.Rounds+quotes == 0 && len(m.Files) > 0 && len(m.Messages) == 0
}

// describe says in words what the ledger lacks.
func describe(all []Missing) string {
	var rounds, files, messages, quotes int
	for _, m := range all {
		rounds += m.Rounds
		messages += len(m.Messages)
		if m.Rounds == 0 {
			files += len(m.Files)
		}
		if m.Quote {
			quotes++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{rounds, "deliveries"}, {files, "other files"}, {messages, "messages"}, {quotes, "quotes"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", p.what, p.n))
		}
	}
	if parts == nil {
		return "no delivery, message or quote"
	}
	return strings.Join(parts, ", ")
}
