package fulfill_test

import (
	"testing"
	"time"

	"atelierd/internal/generate/gentest"
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
