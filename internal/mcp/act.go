package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
)

// changes returns the hints of a tool that changes something. To call it again with the
// same arguments does nothing more, because the fingerprint is old then. outside says that
// clients or providers get to know of it.
func changes(destructive, outside bool) *sdk.ToolAnnotations {
	return &sdk.ToolAnnotations{DestructiveHint: new(destructive), IdempotentHint: true, OpenWorldHint: new(outside)}
}

// actors are the tools that change something.
func (s *Server) actors() []tool {
	return []tool{
		newTool("approve", "Sends what waits for approval to the client: the files, the price, or the pieces of an order. This cannot be taken back.", changes(true, true), s.approve),
		newTool("redo", "Has the files of an order made again, which costs money. What was made before is not delivered then.", changes(true, true), s.redo),
		newTool("reply", "Sends a message to the client of an order.", changes(false, true), s.reply),
		newTool("send_draft", "Sends the assistant's draft, which get_order shows among the outgoing messages, to the client of an order.", changes(false, true), s.sendDraft),
		newTool("discard_draft", "Drops the assistant's draft. The client gets nothing.", changes(true, false), s.discardDraft),
		newTool("quote", "Names the price of an order that waits for one, and sends it to the client.", changes(false, true), s.quotePrice),
		newTool("retry", "Resumes work on an order that is held, has failed, or was cancelled by the owner. This may cost money.", changes(false, true), s.retry),
		newTool("cancel", "Ends our work on an order. At the marketplace the order stays open until the client cancels it.", changes(true, true), s.cancel),
		newTool("pause", "Keeps new work from beginning, of one service or of all. What is made already is delivered.", changes(false, false), s.pause),
		newTool("resume", "Ends a pause.", changes(false, false), s.resume),
	}
}

// on is what every action on an order names.
type on struct {
	Order       string `json:"order" jsonschema:"the order's id"`
	Fingerprint string `json:"fingerprint" jsonschema:"what get_order has returned for the order"`
}

// act does something to an order that is still as the agent has seen it.
func (s *Server) act(ctx context.Context, by Caller, on on, do func(a *owner.Actions, id string) error) (answer, error) {
	seen, err := order.ParseFingerprint(on.Fingerprint)
	if err != nil {
		return answer{}, refuse("%s. get_order returns it. Nothing was done.", sentence(err.Error()))
	}
	actions := s.o.Owner.As(by.By)
	id, err := actions.Find(ctx, strings.TrimSpace(on.Order))
	if err != nil {
		return answer{}, err
	}
	if err := do(actions.If(seen), id); err != nil {
		return answer{}, err
	}
	s.o.Wake(ctx)
	state, err := actions.State(ctx, id)
	if err != nil {
		return answer{}, err
	}
	return answer{value: object{"done": true, "order_id": show(ident, id), "state": state}}, nil
}

func (s *Server) approve(ctx context.Context, by Caller, in on) (answer, error) {
	return s.act(ctx, by, in, func(a *owner.Actions, id string) error { return a.Approve(ctx, id, 0) })
}

type redoArguments struct {
	on
	Instructions string `json:"instructions" jsonschema:"what is to be different, in a few sentences for the generator"`
	Piece        int    `json:"piece,omitempty" jsonschema:"the number of one piece of a subscription; the round without it"`
	Only         []int  `json:"only,omitempty" jsonschema:"the numbers of those that are wrong, from 1, in the order in which get_order shows the last take; all without it. The instructions name them, and everything is made again"`
	FromThese    bool   `json:"from_these,omitempty" jsonschema:"true has the generator begin with the files that were made"`
}

func (s *Server) redo(ctx context.Context, by Caller, in redoArguments) (answer, error) {
	if !s.o.Capped() {
		return answer{}, refuse("redo is refused while nothing limits what an order or a day may cost. The owner sets order_usd or day_usd in [spending] of the configuration. Nothing was done.")
	}
	if strings.TrimSpace(in.Instructions) == "" {
		return answer{}, refuse("redo needs instructions that say what is to be different. Nothing was done.")
	}
	return s.act(ctx, by, in.on, func(a *owner.Actions, id string) error {
		return a.Redo(ctx, id, order.Redo{Piece: in.Piece, Instructions: in.Instructions, FromThese: in.FromThese, Files: in.Only})
	})
}

type replyArguments struct {
	on
	Text string `json:"text" jsonschema:"the message, in the language of the client"`
}

func (s *Server) reply(ctx context.Context, by Caller, in replyArguments) (answer, error) {
	return s.act(ctx, by, in.on, func(a *owner.Actions, id string) error { return a.Reply(ctx, id, in.Text, "") })
}

func (s *Server) sendDraft(ctx context.Context, by Caller, in on) (answer, error) {
	return s.act(ctx, by, in, func(a *owner.Actions, id string) error { return a.ApproveDraft(ctx, id) })
}

func (s *Server) discardDraft(ctx context.Context, by Caller, in on) (answer, error) {
	return s.act(ctx, by, in, func(a *owner.Actions, id string) error { return a.DiscardDraft(ctx, id) })
}

type quoteArguments struct {
	on
	Price string `json:"price_usd" jsonschema:"such as 15.50"`
}

func (s *Server) quotePrice(ctx context.Context, by Caller, in quoteArguments) (answer, error) {
	return s.act(ctx, by, in.on, func(a *owner.Actions, id string) error {
		return a.Quote(ctx, id, strings.TrimPrefix(strings.TrimSpace(in.Price), "$"))
	})
}

func (s *Server) retry(ctx context.Context, by Caller, in on) (answer, error) {
	var waits bool
	got, err := s.act(ctx, by, in, func(a *owner.Actions, id string) error {
		if err := a.Retry(ctx, id); err != nil {
			return err
		}
		var err error
		waits, _, err = a.WaitsForApproval(ctx, id)
		return err
	})
	if err == nil && waits {
		got.value["waits_for_approval"] = true
	}
	return got, err
}

type cancelArguments struct {
	on
	Reason string `json:"reason" jsonschema:"why, for the owner"`
}

func (s *Server) cancel(ctx context.Context, by Caller, in cancelArguments) (answer, error) {
	return s.act(ctx, by, in.on, func(a *owner.Actions, id string) error { return a.Cancel(ctx, id, in.Reason) })
}

type pauseArguments struct {
	Fingerprint string `json:"fingerprint" jsonschema:"the pause_fingerprint that status has returned"`
	Service     string `json:"service,omitempty" jsonschema:"the service's title; every service without it"`
	Hours       int    `json:"hours,omitempty" jsonschema:"resumes by itself after so many hours, 720 at most; without it, until resume"`
	Reason      string `json:"reason,omitempty" jsonschema:"why, for the owner"`
}

// maxHours is the longest pause with an end.
const maxHours = 720

func (s *Server) pause(ctx context.Context, by Caller, in pauseArguments) (answer, error) {
	if in.Hours < 0 || in.Hours > maxHours {
		return answer{}, refuse("hours has to be from 1 to %d. Nothing was done.", maxHours)
	}
	p := order.Pause{Reason: in.Reason}
	if in.Hours > 0 {
		p.Until = time.Now().Add(time.Duration(in.Hours) * time.Hour)
	}
	return s.actOnPauses(ctx, by, in.Fingerprint, func(a *owner.Actions) (err error) {
		if in.Service != "" {
			if p.Service, err = a.Service(ctx, in.Service); err != nil {
				return err
			}
		}
		return a.Pause(p, nil)
	})
}

type resumeArguments struct {
	Fingerprint string `json:"fingerprint" jsonschema:"the pause_fingerprint that status has returned"`
	Service     string `json:"service,omitempty" jsonschema:"the title of the paused service; the pause of every service without it"`
}

func (s *Server) resume(ctx context.Context, by Caller, in resumeArguments) (answer, error) {
	return s.actOnPauses(ctx, by, in.Fingerprint, func(a *owner.Actions) error {
		list, err := a.Pauses(ctx)
		if err != nil {
			return err
		}
		for _, p := range list {
			if order.SameTitle(p.Service, in.Service) {
				return a.Resume(p.Service)
			}
		}
		return refuse("That is not paused. status shows what is. Nothing was done.")
	})
}

// actOnPauses changes what is paused if that is still as the agent has seen it.
func (s *Server) actOnPauses(ctx context.Context, by Caller, seen string, do func(*owner.Actions) error) (answer, error) {
	now, err := s.pausesSeen(ctx)
	if err != nil {
		return answer{}, err
	}
	err = store.ErrPausesChanged
	if seen == now {
		// The transaction looks again: somebody may pause or resume in between.
		err = do(s.o.Owner.As(by.By).IfPauses(func(list []order.Pause) bool { return pausePrint(list) == seen }))
	}
	if errors.Is(err, store.ErrPausesChanged) {
		err = refuse("What is paused has changed since it was read, or the fingerprint is not the pause_fingerprint of status. Read status again. Nothing was done.")
	}
	if err != nil {
		return answer{}, err
	}
	s.o.Wake(ctx)
	return answer{value: object{"done": true}}, nil
}

// pausesSeen returns the fingerprint of what is paused.
func (s *Server) pausesSeen(ctx context.Context) (string, error) {
	list, err := s.o.Reader.Store.Pauses(ctx)
	if err != nil {
		return "", err
	}
	return pausePrint(slices.DeleteFunc(list, func(p order.Pause) bool { return p.Over(time.Now()) })), nil
}

func pausePrint(list []order.Pause) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%v", list))
	return hex.EncodeToString(sum[:6])
}

// plain returns an error for the agent, in sentences. What this machine lacks or has broken
// is for the log.
func (s *Server) plain(what string, err error) error {
	if refused, ok := errors.AsType[refusal](err); ok {
		return refused
	}
	if changed, ok := errors.AsType[*order.ChangedError](err); ok {
		return refuse("Nothing was done: %s. Read the order again, and decide again.", changed.What)
	}
	switch {
	case errors.Is(err, errFault):
		return errFault
	case errors.Is(err, store.ErrNotFound):
		return refuse("There is no such order. list_orders shows those that there are.")
	case errors.Is(err, store.ErrAmbiguous):
		return refuse("More than one order fits. Give more of the id.")
	case ofMachine(err):
		s.o.Log.Warn("an agent's call failed", "call", what, "error", err)
		return errFault
	}
	return refuse("%s. Nothing was done.", sentence(s.o.Redact(err.Error())))
}
