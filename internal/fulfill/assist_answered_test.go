package fulfill_test

import (
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// The owner answers while the model thinks, or after its reply was queued. The thread does not
// show that answer before it is read again.
func TestNoReplyGoesAfterAnAnswerOfTheOwner(t *testing.T) {
	t.Parallel()
	answer := func(w *world, id string) {
		time.Sleep(time.Second)
		w.asOwner(func(o store.Owner) error { return o.QueueMessage(w.t.Context(), id, "owner-1", "It is red.") })
	}
	for name, write := range map[string]func(w *world, id string){
		"while it is written": func(w *world, id string) {
			j := w.lease(order.StageWrite)
			r, err := w.f.Run(w.t.Context(), j)
			if err != nil {
				w.t.Fatal(err)
			}
			answer(w, id)
			if _, err := w.store.Turn(&order.Done{Job: j, Result: r}, order.LaneGenerate, false, 0); err != nil {
				w.t.Fatal(err)
			}
		},
		"while it is queued": func(w *world, id string) {
			w.must(order.StageWrite)
			answer(w, id)
			if r := w.must(order.StageSend); r.Sent != order.OutDropped {
				w.t.Errorf("%+v", r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				_, id := w.useReplies(true, gentest.ChatText(plainReply), gentest.ChatText(plainReply))
				w.says(id, "Is the fox red?")
				write(w, id)
				w.must(order.StageSend)
				if got := w.wrote(id); len(got) != 1 || got[0] != "It is red." {
					t.Errorf("the client got %q", got)
				}
				w.says(id, "And the dog?")
				w.must(order.StageWrite)
				if states, _ := w.outbox(id); states != "dropped sent queued" {
					t.Errorf("the outbox is %s", states)
				}
			})
		})
	}
}

// A template tells the client what has happened. What the client has asked is still not answered.
func TestATextOfATemplateAnswersNoClient(t *testing.T) {
	t.Parallel()
	for name, sendFirst := range map[string]bool{"the thread shows it": true, "it is queued": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				const ready, reply = "It is ready.", "Thank you for asking! Yes, the fox is red."
				chat, a := w.useAssistant()
				chat.Next(gentest.ChatText(plainReply), gentest.ChatText(plainReply))
				template, err := message.Parse(ready)
				if err != nil {
					t.Fatal(err)
				}
				w.service = func(s *fulfill.Service) {
					s.Reply = &fulfill.Reply{By: a, Send: true}
					s.Templates = map[string]*message.Template{"delivered": template}
				}
				w.restart()
				id := w.uploaded()
				time.Sleep(time.Second)
				if err := w.market.ClientMessage(id, "Is the fox red?"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				w.must(order.StageDeliver)
				if sendFirst {
					w.must(order.StageSend)
				}
				w.readThread(id)
				w.must(order.StageWrite)
				if !sendFirst {
					w.must(order.StageSend)
					time.Sleep(time.Second)
				}
				w.readThread(id) // which shows the template after the question, and drops no reply
				w.must(order.StageSend)
				for range 2 {
					time.Sleep(time.Second)
					w.readThread(id)
				}
				if turn, err := w.store.Turn(nil, order.StageWrite.Lane(), true, time.Hour); err != nil || turn.Job != nil {
					t.Errorf("%+v is leased, %v", turn.Job, err)
				}
				if got := w.wrote(id); len(got) != 2 || got[0] != ready || got[1] != reply || chat.Paid() != 1 {
					t.Errorf("the client got %q for %d answers", got, chat.Paid())
				}
			})
		})
	}
}
