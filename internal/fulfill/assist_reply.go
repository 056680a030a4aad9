package fulfill

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"atelierd/internal/assistant"
	"atelierd/internal/atelier"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/term"
)

// What the assistant reads of a thread, and how long its reply may be, in characters.
const (
	maxThread    = 20
	maxSaid      = 2000
	maxReply     = 1200
	maxShownText = 160
)

// replyTask is what the assistant is asked to do.
const replyTask = `You answer a client of a service in the name of its owner. The user message holds the order, its state,
the thread with the client, the oldest message first, what the owner wants you to keep to (owner_instructions) and texts
that the owner has written for clients (owner_texts). Say whether what the client wrote last needs an answer: a question
does, thanks or a wish that the work in progress takes up does not. If it does, write a short and friendly answer in the
language of the client. Promise no refund, no discount, no price, no time and no date unless one of the owner_texts says
so, and nothing that the owner has not said. Do not say that you are a model, and include no link. If you do not know
the answer, say that the owner looks at it.`

// replySchema is that of a reply.
var replySchema = map[string]any{
	"type": "object", "required": []string{"needs_reply", "text"}, "additionalProperties": false,
	"properties": map[string]any{"needs_reply": map[string]any{"type": "boolean"}, "text": map[string]any{"type": "string"}},
}

// Reply is how the assistant answers clients.
type Reply struct {
	By *Assistant
	// Send sends replies that promise nothing. Otherwise each waits for the owner.
	Send bool
	// Texts are the owner's own texts for clients.
	Texts []*message.Template
}

// toAnswer is an order as the assistant reads it to answer its client.
type toAnswer struct {
	Service      string          `json:"service"`
	Deliverables []string        `json:"deliverables"`
	State        string          `json:"state"`
	Brief        string          `json:"brief"`
	Answers      json.RawMessage `json:"answers,omitempty"`
	Thread       []spoken        `json:"thread"`
	Instructions string          `json:"owner_instructions,omitempty"`
	Texts        []string        `json:"owner_texts"`
}

// spoken is a message of a thread.
type spoken struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// reply has the assistant write a reply to the client. Without an answer of use there is
// none, and the client's message waits for the owner as it would without an assistant.
func (f *Fulfiller) reply(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	s := f.o.Services[o.Service]
	switch {
	case s.Reply == nil:
		return noReply(nil, "the assistant does not answer clients of the service"), nil
	case f.blocked(o) != nil:
		return noReply(nil, "the client is blocked"), nil
	case !o.Status.TakesMessages() || o.Status.Ended():
		return noReply(nil, "the order has ended"), nil
	}
	if err := f.notPaused(ctx, o); err != nil {
		return order.Result{}, err
	}
	r := &run{Fulfiller: f, job: j, order: o, service: s}
	texts := s.ownTexts(o)
	q, err := r.replyQuestion(ctx, texts)
	if err != nil {
		return order.Result{}, err
	}
	var answer struct {
		Needs *bool  `json:"needs_reply"`
		Text  string `json:"text"`
	}
	c, err := r.ask(ctx, s.Reply.By, inquiry{purpose: order.PurposeReply, question: q}, &answer)
	text := printable(answer.Text)
	switch n := atelier.MessageLength(text); {
	case err != nil:
	case answer.Needs == nil:
		err = r.answerless(ctx, c, "the assistant did not say whether the client needs an answer")
	case *answer.Needs && (n == 0 || n > maxReply):
		err = r.answerless(ctx, c, "the assistant wrote an empty reply, or one that is too long")
	}
	if none, ok := errors.AsType[unanswered](err); ok {
		f.o.Log.Warn("the assistant does not answer a client", "order", j.OrderID, "job", j.ID, "stage", j.Stage, "attempt", j.Attempt, "error", none.Error())
		return noReply(nil, "the assistant wrote no reply: "+term.Line(none.Error(), maxReason)), nil
	}
	if err != nil {
		return order.Result{}, err
	}
	if !*answer.Needs {
		return noReply(&c, "the assistant found that no answer is needed"), nil
	}
	return order.Result{Next: order.StageSend, Draft: text, Hold: s.holdReply(o, text, texts), Asked: &c}, nil
}

// noReply ends a reply that is not written. c is the call that said so; nil for none.
func noReply(c *order.Call, why string) order.Result {
	return order.Result{Sent: order.OutDropped, Note: why, Asked: c}
}

// holdReply returns what a reply waits for; nil if it is sent.
func (s Service) holdReply(o order.Order, text string, texts []string) *order.Failure {
	why := ""
	if promise := promises(text, texts); promise != "" {
		why = "; it says " + promise
	}
	if s.Reply.Send && why == "" && !s.dry() {
		return nil
	}
	return waitsForOwner(o.ID, text, why)
}

// waitsForOwner is what a draft waits for.
func waitsForOwner(id, text, why string) *order.Failure {
	return order.Failf(order.Hold, order.CodeDraft, "a reply to the client waits for your approval%s: %q", why, term.Line(text, maxShownText)).
		WithHint("%s sends it, %s drops it; or write your own with %s", order.Command("messages --approve", id),
			order.Command("messages --discard", id), order.Command("messages --send TEXT", id))
}

// dry reports whether nothing is sent for the service.
func (s Service) dry() bool { return s.Approval != nil && s.Approval.Code == order.CodeDryRun }

// ownTexts returns the owner's texts for clients as they are for an order.
func (s Service) ownTexts(o order.Order) []string {
	texts := []string{}
	for _, t := range s.Reply.Texts {
		if text, err := t.Write(s.messageData(order.ReplyTemplate, o)); err == nil && text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// replyQuestion returns the thread as a question.
func (r *run) replyQuestion(ctx context.Context, texts []string) (assistant.Question, error) {
	thread, err := r.o.Store.Thread(ctx, r.order.ID)
	if err != nil {
		return assistant.Question{}, err
	}
	data := toAnswer{
		Service: r.service.Title, Deliverables: r.service.Deliverables, State: string(r.order.Status),
		Brief: prompt.Shorten(r.order.Wish(), maxRead), Answers: shortJSON(r.order.Answers),
		Thread: []spoken{}, Instructions: r.service.Instructions, Texts: texts,
	}
	for _, m := range thread[max(len(thread)-maxThread, 0):] {
		data.Thread = append(data.Thread, spoken{string(m.Party), prompt.Shorten(m.Text, maxSaid)})
	}
	return assistant.Question{Task: replyTask, Name: "reply", Schema: replySchema, Data: data}, nil
}

// staleReply is the result of a reply that is not sent because the client has written again,
// or the owner has answered.
func staleReply() order.Result {
	return order.Result{Sent: order.OutDropped, Note: "not sent, because " + order.ErrStale.Error()}
}

// draftHeld holds a draft that nobody has approved.
func draftHeld(m order.Outgoing) *order.Failure { return waitsForOwner(m.OrderID, m.Body, "") }

// replyQueued returns when a reply was queued, or zero for any other message.
func replyQueued(m order.Outgoing) time.Time {
	if order.Template(m.Reason) == order.ReplyTemplate {
		return m.QueuedAt
	}
	return time.Time{}
}
