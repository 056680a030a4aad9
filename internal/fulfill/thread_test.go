package fulfill_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// talks has the client write n messages.
func (w *world) talks(id string, n int) {
	w.t.Helper()
	for i := range n {
		if err := w.market.ClientMessage(id, fmt.Sprintf("message %d", i)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// outState is the state of the order's only message in the outbox.
func (w *world) outState(id string) order.OutState {
	w.t.Helper()
	list, err := w.store.Outbox(w.t.Context(), id)
	if err != nil || len(list) != 1 {
		w.t.Fatalf("the outbox is %+v, %v", list, err)
	}
	return list[0].State
}

func TestAMessageWhoseFateAFullThreadCannotShowIsNotRepeated(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		w.talks(id, order.ThreadPage)
		w.posts("/messages", sandbox.Fault{After: sandbox.Cut})
		w.fails(order.StageSend, order.Retry, order.CodeNoAnswer)
		time.Sleep(settle)
		if r := w.must(order.StageSend); r.Sent != order.OutUnknown || w.outState(id) != order.OutUnknown {
			t.Errorf("it ends as %+v, in the outbox as %s", r, w.outState(id))
		}
		if said := w.said(id); len(said) != 1 {
			t.Errorf("the client reads %q", said)
		}
	})
}

func TestAFullThreadDoesNotKeepAFirstMessageBack(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		w.talks(id, order.ThreadPage)
		if r := w.must(order.StageSend); r.Sent != order.OutSent || len(w.said(id)) != 1 {
			t.Errorf("it ends as %+v, the client reads %q", r, w.said(id))
		}
	})
}

// TestATemplateThatTheThreadShowsIsNotSentAgain guards an outbox that forgot what it
// sent. Only more equal texts than the outbox has sent are a message of its own.
func TestATemplateThatTheThreadShowsIsNotSentAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		if err := atelier.New(w.base).SendMessage(t.Context(), id, "I have begun with a fox"); err != nil {
			t.Fatal(err)
		}
		if r := w.must(order.StageSend); r.Sent != order.OutSent || len(w.said(id)) != 1 {
			t.Errorf("it ends as %+v, the client reads %q", r, w.said(id))
		}
		for _, reason := range []string{"owner-1", "owner-2"} {
			w.asOwner(func(o store.Owner) error {
				return o.QueueMessage(t.Context(), id, reason, "I have begun with a fox")
			})
			w.must(order.StageSend)
		}
		if n := len(w.said(id)); n != 3 {
			t.Errorf("the owner's own words are in the thread %d times, want 2", n-1)
		}
	})
}

func TestTwoTemplatesWithTheSameTextAreBothSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		hello, err := message.Parse("Hello")
		if err != nil {
			t.Fatal(err)
		}
		w.reopen(func(s *fulfill.Service) {
			s.Templates = map[string]*message.Template{"received": hello, "delivered": hello}
		}, func(s *intake.Service) { s.Templates = []string{"received", "delivered"} })
		id := w.place("paid")
		w.must(order.StageSend)
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		w.must(order.StageSend)
		if n := len(w.said(id)); n != 2 {
			t.Errorf("two messages are in the thread %d times", n)
		}
	})
}

// TestAMessageIsAboutTheRoundThatItWasQueuedFor guards messages that go out after the
// client has sent the delivery back.
func TestAMessageIsAboutTheRoundThatItWasQueuedFor(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		links, err := message.Parse("round {{.Round}}, files: {{len .Links}}")
		if err != nil {
			t.Fatal(err)
		}
		w.reopen(func(s *fulfill.Service) {
			s.Templates = map[string]*message.Template{"delivered": links, "revised": links}
		}, func(s *intake.Service) { s.Templates, s.MaxRounds = []string{"delivered", "revised"}, 3 })
		id := w.uploaded()
		for range 2 {
			w.must(order.StageDeliver)
			if err := w.market.Dispute(id, "not yet"); err != nil {
				t.Fatal(err)
			}
			w.poll()
			w.must(order.StageSend)
			w.must(order.StageGenerate)
			w.must(order.StageUpload)
		}
		if said := w.said(id); !slices.Equal(said, []string{"round 0, files: 1", "round 1, files: 1"}) {
			t.Errorf("the client reads %q", said)
		}
	})
}

// TestAfterARestoreAFullThreadKeepsBackWhatMayHaveBeenSent guards that a restored outbox
// repeats nothing. What the owner writes after the restore still goes out.
func TestAfterARestoreAFullThreadKeepsBackWhatMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		w.asOwner(func(o store.Owner) error { return o.QueueMessage(t.Context(), id, "owner-1", "from before") })
		w.talks(id, order.ThreadPage)
		time.Sleep(time.Minute)
		if err := w.store.Reconciled("restored", nil, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(settle + time.Minute)
		w.asOwner(func(o store.Owner) error { return o.QueueMessage(t.Context(), id, "owner-2", "from after") })
		for range 3 {
			w.must(order.StageSend)
		}
		if said := w.said(id); !slices.Equal(said, []string{"from after"}) {
			t.Errorf("the client reads %q", said)
		}
		young := w.place("paid")
		w.talks(young, order.ThreadPage)
		if r := w.must(order.StageSend); r.Sent != order.OutSent {
			t.Errorf("the greeting of an order from after the restore ends as %+v", r)
		}
	})
}

// TestAfterARestoreATemplateWithForgottenLinksIsNotSentAgain guards that a message is
// known by its template where the ledger has lost the links that it was sent with.
func TestAfterARestoreATemplateWithForgottenLinksIsNotSentAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		links, err := message.Parse("delivered{{range .Links}} {{.}}{{end}}")
		if err != nil {
			t.Fatal(err)
		}
		w.reopen(func(s *fulfill.Service) {
			s.Templates = map[string]*message.Template{"delivered": links}
		}, func(s *intake.Service) { s.Templates = []string{"delivered"} })
		id := w.uploaded()
		w.must(order.StageDeliver)
		for _, text := range []string{"see https://x.test/rules", "delivered https://x.test/1.png https://x.test/2.png"} {
			if err := atelier.New(w.base).SendMessage(t.Context(), id, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.store.Reconciled("restored", nil, nil); err != nil {
			t.Fatal(err)
		}
		if r := w.must(order.StageSend); r.Sent != order.OutSent || r.Note != "found in the thread" || len(w.said(id)) != 2 {
			t.Errorf("it ends as %+v, the client reads %q", r, w.said(id))
		}
	})
}
