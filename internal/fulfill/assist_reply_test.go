package fulfill_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

const (
	plainReply = `{"needs_reply": true, "text": "Thank you for asking! Yes, the fox is red."}`
	noneNeeded = `{"needs_reply": false, "text": ""}`
)

// useReplies has a model answer clients, and returns an order that is delivered.
func (w *world) useReplies(send bool, answers ...http.HandlerFunc) (*gentest.Chat, string) {
	w.t.Helper()
	chat, a := w.useAssistant()
	chat.Next(answers...)
	terms, err := message.Parse("We refund every order within 14 days.")
	if err != nil {
		w.t.Fatal(err)
	}
	w.service = func(s *fulfill.Service) {
		s.Reply = &fulfill.Reply{By: a, Send: send, Texts: []*message.Template{terms}}
		s.Instructions = "Call clients by no name."
	}
	w.restart()
	id := w.uploaded()
	w.must(order.StageDeliver)
	w.poll()
	return chat, id
}

// says has the client write, and reads the thread.
func (w *world) says(id, text string) {
	w.t.Helper()
	time.Sleep(time.Second) // each message has a time of its own
	if err := w.market.ClientMessage(id, text); err != nil {
		w.t.Fatal(err)
	}
	w.readThread(id)
}

func (w *world) readThread(id string) {
	w.t.Helper()
	o := w.base
	o.Meter = nil
	list, err := atelier.New(o).Messages(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.store.ApplyThread(order.Thread{OrderID: id, Messages: list, Next: time.Now().Add(time.Hour), Answer: true}); err != nil {
		w.t.Fatal(err)
	}
}

// outbox returns the states of our messages about an order, and their texts.
func (w *world) outbox(id string) (states string, texts []string) {
	w.t.Helper()
	list, err := w.store.Outbox(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range list {
		states += string(m.State) + " "
		texts = append(texts, m.Body)
	}
	return strings.TrimSpace(states), texts
}

// wrote returns what the agent wrote to the client of an order.
func (w *world) wrote(id string) (texts []string) {
	o, _ := w.market.Order(id)
	for _, m := range o.Messages {
		if m.From != "client" {
			texts = append(texts, m.Content)
		}
	}
	return texts
}

func TestADraftIsSentOnceItsOwnerApproves(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, id := w.useReplies(false, gentest.ChatText(plainReply))
		w.says(id, "Is the fox red?")
		r := w.must(order.StageWrite)
		if r.Hold == nil || r.Hold.Code != order.CodeDraft || !strings.Contains(r.Hold.Error(), "the fox is red") {
			t.Errorf("%+v", r)
		}
		w.readThread(id)                                                                  // which asks for no second one
		w.asOwner(func(o store.Owner) error { _ = o.Retry(t.Context(), id); return nil }) // which sends no draft
		if states, _ := w.outbox(id); states != "draft" || len(w.wrote(id)) != 0 {
			t.Fatalf("the outbox is %s, the client got %q", states, w.wrote(id))
		}
		time.Sleep(time.Minute)
		approved := time.Now()
		w.asOwner(func(o store.Owner) error { return o.ApproveDraft(t.Context(), id) })
		if m, err := w.store.Outgoing(t.Context(), id, 1); err != nil || m.QueuedAt.Before(approved.Truncate(time.Millisecond)) {
			t.Errorf("it was approved at %s and queued at %s, %v", approved, m.QueuedAt, err)
		}
		w.must(order.StageSend)
		if got := w.wrote(id); len(got) != 1 || got[0] != "Thank you for asking! Yes, the fox is red." {
			t.Errorf("the client got %q", got)
		}
		w.readThread(id)
		if states, _ := w.outbox(id); states != "sent" || chat.Paid() != 1 || w.spent(id) != 1200+order.Dollar/25 {
			t.Errorf("%s, %d answers, $%s", states, chat.Paid(), w.spent(id))
		}
		asked := chat.Requests()[0]
		for _, want := range []string{`"state":"delivered"`, `{"from":"client","text":"Is the fox red?"}`, "Call clients by no name.", "We refund every order"} {
			if !strings.Contains(asked.Text, want) || strings.Contains(asked.Task, "fox") {
				t.Errorf("the question lacks %s: %s", want, asked.Text)
			}
		}
	})
}

func TestAReplyThatPromisesNothingIsSentWhereItsOwnerAllowsIt(t *testing.T) {
	t.Parallel()
	for text, sent := range map[string]bool{
		"Yes, the fox is red.":                           true,
		"We refund every order within 14 days.":          true, // as the owner's text says
		"We refund it.":                                  false,
		"I send it tomorrow.":                            false,
		"You get your money back.":                       false,
		"That is $5 less.":                               false,
		"It has a discount.":                             false,
		"Look at https://evil.test/pay":                  false,
		"Write to me at fox@evil.test":                   false,
		"It takes 3 of them.":                            false,
		"Вы получите деньги.":                            false,
		"Wir erstatten alles.":                           false,
		"Nous pouvons vous rembourser.":                  false,
		"You can have another one free.":                 false,
		"We compensate you.":                             false,
		"It is ready in a few minutes.":                  false,
		"The owner looks at it, and answers you himself": true,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				_, id := w.useReplies(true, gentest.ChatText(`{"needs_reply": true, "text": "`+text+`"}`))
				w.says(id, "Is the fox red?")
				r := w.must(order.StageWrite)
				if (r.Hold == nil) != sent {
					t.Fatalf("%+v", r)
				}
				if sent {
					w.must(order.StageSend)
				}
				if got := w.wrote(id); (len(got) == 1) != sent {
					t.Errorf("the client got %q", got)
				}
			})
		})
	}
}

func TestAMessageThatNeedsNoAnswerGetsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  order.CallState
	}{
		"none needed":   {gentest.ChatText(noneNeeded), order.CallDone},
		"no decision":   {gentest.ChatText(`{"text": "It is red."}`), order.CallFailed},
		"null":          {gentest.ChatText(`{"needs_reply": null, "text": "It is red."}`), order.CallFailed},
		"no text":       {gentest.ChatText(`{"needs_reply": true, "text": " \u0000"}`), order.CallFailed},
		"a long text":   {gentest.ChatText(`{"needs_reply": true, "text": "` + strings.Repeat("x", 1300) + `"}`), order.CallFailed},
		"another field": {gentest.ChatText(`{"needs_reply": true, "text": "a", "send_to": "all"}`), order.CallFailed},
		"a wrong key":   {gentest.ChatStatus(401, nil), order.CallFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, id := w.useReplies(true, c.answer)
				w.says(id, "Thanks!")
				if r := w.must(order.StageWrite); r.Sent != order.OutDropped || r.Note == "" {
					t.Errorf("%+v", r)
				}
				w.readThread(id)
				calls := w.calls(id)
				if states, _ := w.outbox(id); states != "dropped" || len(chat.Requests()) != 1 || calls[len(calls)-1].State != c.state {
					t.Errorf("the outbox is %s, %d questions, %+v", states, len(chat.Requests()), calls)
				}
			})
		})
	}
}

// A client who writes again while a draft waits gets one answer to both, and none to the first.
func TestADraftIsReplacedWhenTheClientWritesAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, id := w.useReplies(false, gentest.ChatText(plainReply), gentest.ChatText(`{"needs_reply": true, "text": "It is blue."}`))
		w.says(id, "Is the fox red?")
		w.must(order.StageWrite)
		w.says(id, "Or is it blue?")
		w.must(order.StageWrite)
		states, texts := w.outbox(id)
		if states != "dropped draft" || texts[1] != "It is blue." {
			t.Fatal(states, texts)
		}
		w.asOwner(func(o store.Owner) error { return o.ApproveDraft(t.Context(), id) })
		w.must(order.StageSend)
		if got := w.wrote(id); len(got) != 1 || got[0] != "It is blue." {
			t.Errorf("the client got %q", got)
		}
	})
}

// The client writes while the model thinks, between the approval and the send, or before a
// stale draft is approved.
func TestNoReplyGoesOverANewerMessage(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, id := w.useReplies(true, gentest.ChatText(plainReply), gentest.ChatText(plainReply), gentest.ChatText(plainReply))
		w.says(id, "Is the fox red?")
		j := w.lease(order.StageWrite)
		r, err := w.f.Run(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		w.says(id, "Or is it blue?")
		if _, err := w.store.Turn(&order.Done{Job: j, Result: r}, order.LaneGenerate, false, 0); err != nil {
			t.Fatal(err)
		}
		if states, _ := w.outbox(id); states != "dropped draft" {
			t.Fatal(states)
		}
		w.must(order.StageWrite)
		w.says(id, "Never mind.") // after it was queued
		if r := w.must(order.StageSend); r.Sent != order.OutDropped {
			t.Errorf("%+v", r)
		}
		if states, _ := w.outbox(id); states != "dropped dropped draft" || len(w.wrote(id)) != 0 {
			t.Errorf("%s, the client got %q", states, w.wrote(id))
		}
	})
}

func TestAStaleDraftCannotBeApproved(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, id := w.useReplies(false, gentest.ChatText(plainReply))
		w.says(id, "Is the fox red?")
		w.must(order.StageWrite)
		time.Sleep(time.Second)
		newer := []order.Message{{ID: "by-webhook", Party: order.PartyClient, Text: "Stop!", At: time.Now()}}
		if _, err := w.store.MergeThread(t.Context(), id, newer); err != nil {
			t.Fatal(err)
		}
		w.asOwner(func(o store.Owner) error {
			if err := o.ApproveDraft(t.Context(), id); err == nil || !strings.Contains(err.Error(), "newer message") {
				t.Errorf("it is approved: %v", err)
			}
			return nil
		})
	})
}

func TestADraftEndsWithItsOrderOrAnAnswerOfTheOwner(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string){
		"the order ends": func(w *world, id string) {
			if err := w.market.SetStatus(id, "completed"); err != nil {
				w.t.Fatal(err)
			}
			w.poll()
		},
		"the owner discards it": func(w *world, id string) {
			w.asOwner(func(o store.Owner) error { return o.DiscardDraft(w.t.Context(), id) })
			w.readThread(id)
		},
		"the owner answers": func(w *world, id string) {
			w.asOwner(func(o store.Owner) error { return o.QueueMessage(w.t.Context(), id, "owner-1", "It is red.") })
			if states, _ := w.outbox(id); states != "dropped queued" {
				w.t.Errorf("after the owner's answer the outbox is %s", states)
			}
			w.must(order.StageSend)
			w.readThread(id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat, id := w.useReplies(false, gentest.ChatText(plainReply))
				w.says(id, "Is the fox red?")
				w.must(order.StageWrite)
				end(w, id)
				states, _ := w.outbox(id)
				if !strings.HasPrefix(states, "dropped") || strings.Contains(states, "draft") || chat.Paid() != 1 {
					t.Errorf("the outbox is %s", states)
				}
				if got := strings.Join(w.wrote(id), " "); strings.Contains(got, "Thank you") {
					t.Errorf("the client got %q", got)
				}
			})
		})
	}
}

func TestAReplyThatWasNotCommittedIsAskedForOnceMore(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat, id := w.useReplies(true, gentest.ChatText(plainReply), gentest.ChatText(plainReply), gentest.ChatText(plainReply))
		w.says(id, "Is the fox red?")
		for range 2 {
			if _, err := w.f.Run(context.WithoutCancel(t.Context()), w.lease(order.StageWrite)); err != nil {
				t.Fatal(err)
			}
			w.restart() // before its result was committed
		}
		if r := w.must(order.StageWrite); r.Sent != order.OutDropped || !strings.Contains(r.Note, "lost twice") {
			t.Errorf("%+v", r)
		}
		if chat.Paid() != 2 || len(w.wrote(id)) != 0 {
			t.Errorf("%d answers, the client got %q", chat.Paid(), w.wrote(id))
		}
	})
}

func TestAtACapNoReplyIsWritten(t *testing.T) {
	t.Parallel()
	for _, caps := range []order.Caps{{Attempt: 5000}, {Order: 5000}, {Day: 5000}} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.makers = nil
			chat, id := w.useReplies(true)
			w.caps = caps
			w.restart()
			w.poll()
			w.says(id, "Is the fox red?")
			if r := w.must(order.StageWrite); r.Sent != order.OutDropped || !strings.Contains(r.Note, "cap") || len(chat.Requests()) != 0 {
				t.Errorf("%+v, %d questions", r, len(chat.Requests()))
			}
		})
	}
}

// Whatever makes the job of a draft ready, only an approval has it sent.
func TestADraftThatNobodyHasApprovedIsNotSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, id := w.useReplies(false, gentest.ChatText(plainReply))
		w.says(id, "Is the fox red?")
		w.must(order.StageWrite)
		m, err := w.store.Outgoing(t.Context(), id, 1)
		if err != nil || m.State != order.OutDraft {
			t.Fatal(err, m)
		}
		_, err = w.f.Run(t.Context(), order.Job{OrderID: id, Kind: order.KindMessage, Round: 1, Stage: order.StageSend})
		if f := order.Classify(t.Context(), err); f == nil || f.Code != order.CodeDraft || len(w.wrote(id)) != 0 {
			t.Errorf("%v, the client got %q", err, w.wrote(id))
		}
	})
}
