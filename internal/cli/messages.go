package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// MessagesCmd shows a thread, or writes into it.
type MessagesCmd struct {
	Order string  `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	Send  *string `help:"Write this to the client; - reads it from standard input." placeholder:"TEXT"`
	JSON  bool    `help:"Print JSON." name:"json"`
}

func (MessagesCmd) Help() string {
	return `Shows what client and agent have written to each other about an order, as it was
last read, and what of ours is still on its way. With --send it writes to the
client: up to 2000 characters, once, at once when a daemon runs and else with the
next run. The marketplace takes messages on orders that are paid, in progress,
delivered, completed or disputed.`
}

func (c MessagesCmd) Run(p *Program) error {
	if c.Send != nil {
		return c.send(p)
	}
	return p.withReader(func(ctx context.Context, _ *config.Config, st *store.Store) error {
		id, err := findOrder(ctx, st, c.Order)
		if err != nil {
			return err
		}
		thread, err := st.Thread(ctx, id)
		if err != nil {
			return err
		}
		outbox, err := st.Outbox(ctx, id)
		if err != nil {
			return err
		}
		works, err := st.Works(ctx, id)
		if err != nil {
			return err
		}
		v := viewThread(thread, outbox, works)
		if c.JSON {
			return term.PrintJSON(p.Stdout, v)
		}
		g := p.Page()
		v.show(g, time.Now())
		return g.Print(p.Stdout)
	})
}

func (c MessagesCmd) send(p *Program) error {
	text := *c.Send
	if text == "-" {
		all, err := io.ReadAll(io.LimitReader(p.Stdin, 1<<20))
		if err != nil {
			return err
		}
		text = string(all)
	}
	text = strings.TrimSpace(text)
	switch n := atelier.MessageLength(text); {
	case text == "":
		return &UsageError{errors.New("the message is empty")}
	case n > atelier.MaxMessage:
		return &UsageError{fmt.Errorf("the message has %d characters, at most %d are taken", n, atelier.MaxMessage)}
	}
	// Each command is a reason of its own: the same words may be said twice.
	reason := "owner-" + strings.ToLower(rand.Text()[:12])
	return p.change(c.Order, c.JSON, "has your message in its outbox", func(ctx context.Context, o store.Owner, id string) error {
		return o.QueueMessage(ctx, id, reason, text)
	})
}

// threadView is a thread for machines.
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
	InThread bool           `json:"in_thread"` // as it was last read

	position int
	work     store.Work
}

func viewThread(thread []order.Message, outbox []order.Outgoing, works []store.Work) threadView {
	v := threadView{Messages: []messageView{}, Outbox: []outgoingView{}}
	there := map[string]int{} // how often a text of ours stands in the thread
	for _, m := range thread {
		v.Messages = append(v.Messages, messageView(m))
		if m.Party != order.PartyClient {
			there[m.Text]++
		}
	}
	for _, m := range outbox {
		out := outgoingView{Reason: m.Reason, State: m.State, Text: m.Body, Tries: m.Tries, SentAt: m.SentAt, position: m.Position}
		if (m.State == order.OutSent || m.State == order.OutSending) && there[m.Body] > 0 {
			there[m.Body]--
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

func (v threadView) show(g *term.Page, now time.Time) {
	for _, m := range v.Messages {
		who := string(m.Party)
		if m.Party == order.PartyOther {
			who = m.Sender
		}
		g.Linef("%s  %s", g.Paint(term.Bold, term.Line(who, 40)), g.Paint(term.Dim, term.Relative(now, m.At)))
		g.Quote(m.Text)
	}
	for _, m := range v.Outbox {
		if m.InThread {
			continue // it is shown above
		}
		g.Wrap("  ", m.fate(now), term.Styled(term.Bold, "agent"), term.Plain(", "+letterName(m.Reason)+"  "))
		text := m.Text
		if text == "" {
			text = "(not written yet)"
		}
		g.Quote(text)
	}
	if len(v.Messages) == 0 && len(v.Outbox) == 0 {
		g.Linef("nothing has been written about the order")
	}
}

// fate says what has become of a message that the thread does not show.
func (m outgoingView) fate(now time.Time) string {
	switch m.State {
	case order.OutSent:
		return "sent " + term.Relative(now, m.SentAt) + ", not in the thread as it was last read"
	case order.OutRefused:
		return "refused by the marketplace, not sent"
	case order.OutDropped:
		return "dropped, not sent"
	}
	text := string(m.State) + ", not in the thread yet"
	if wait := waits(m.work, now); wait != "" {
		text += "; " + wait
	}
	return text
}

// letterName is what a message of ours is called: by its template, or by whoever
// wrote it.
func letterName(reason string) string {
	switch name := order.Template(reason); name {
	case "owner":
		return "written by you"
	case "piece", "revised":
		return `"` + term.Line(strings.Replace(reason, "-", " ", 1), 40) + `"`
	default:
		return `"` + term.Line(name, 40) + `"`
	}
}
