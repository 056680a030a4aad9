package cli

import (
	"context"
	"io"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// MessagesCmd shows the messages about an order, or writes one.
type MessagesCmd struct {
	Order   string  `arg:"" help:"The order's id, its beginning, or its last 6 characters or more." name:"order"`
	Send    *string `help:"Write this to the client; - reads it from standard input." placeholder:"TEXT" xor:"act"`
	Approve bool    `help:"Send the assistant's draft." xor:"act"`
	Discard bool    `help:"Drop the assistant's draft." xor:"act"`
	Seen
	Output
}

// Help explains the command.
func (MessagesCmd) Help() string {
	return `Shows the messages between client and agent as they were last read, and those of
the agent that are not sent yet. With --send it writes a message of up to 2000
characters. It is sent once: at once when a daemon runs, otherwise at the next run.
The marketplace takes messages for orders that are paid, in progress, delivered,
completed or disputed.

A draft of the assistant waits until --approve sends it or --discard drops it. A
message of your own takes its place. A draft is dropped when the client writes again.`
}

// Run runs the command.
func (c MessagesCmd) Run(p *Program) error {
	switch {
	case c.Send != nil:
		return c.send(p)
	case c.Approve:
		return c.change(p, &change{order: c.Order, seen: c.Seen, done: "has the draft in its outbox", do: onDraft((*owner.Actions).ApproveDraft)})
	case c.Discard:
		return c.change(p, &change{order: c.Order, seen: c.Seen, done: "has no draft any more", do: onDraft((*owner.Actions).DiscardDraft)})
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		id, err := findOrder(ctx, st, c.Order)
		if err != nil {
			return err
		}
		v, err := reader(cfg, st).Thread(ctx, id)
		if err != nil {
			return err
		}
		return c.print(p, v, func(g *term.Page) {
			showThread(g, v, time.Now())
			if len(v.Messages)+len(v.Outbox) == 0 {
				g.Linef("no messages about the order yet; %s writes to the client", order.Command("messages --send TEXT", id))
			}
		})
	})
}

func onDraft(act func(*owner.Actions, context.Context, string) error) func(context.Context, *owner.Actions, string) error {
	return func(ctx context.Context, actions *owner.Actions, id string) error { return act(actions, ctx, id) }
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
	return c.change(p, &change{
		order: c.Order, seen: c.Seen, done: "has your message in its outbox",
		do: func(ctx context.Context, actions *owner.Actions, id string) error {
			return actions.Reply(ctx, id, text, "")
		},
	})
}
