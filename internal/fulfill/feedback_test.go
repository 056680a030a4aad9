package fulfill_test

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// sentBack is a delivered order that its client sends back through the API.
func (w *world) sentBack(feedback string) string {
	w.t.Helper()
	id := w.uploaded()
	w.must(order.StageDeliver)
	time.Sleep(time.Minute)
	if err := w.market.RequestRevision(id, feedback, sandbox.Channel{API: true}); err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	return id
}

// hook records the webhook with the feedback.
func (w *world) hook(id, feedback string) {
	w.t.Helper()
	if err := w.store.RecordWebhook(order.Webhook{
		OrderID: id, Event: "order.revision_requested", Hash: "h", Revision: 1, Text: feedback, SignedAt: time.Now(),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// heard is what the generator of the last call was told by the client.
func (w *world) heard() string {
	var texts []string
	for _, m := range w.painter.asked[len(w.painter.asked)-1].Messages {
		texts = append(texts, m.From+": "+m.Text)
	}
	return strings.Join(texts, ", ")
}

func TestFeedbackOfAWebhookReachesTheGenerator(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.sentBack("bluer")
		w.hook(id, "bluer")
		w.must(order.StageGenerate)
		if got := w.heard(); got != "client: bluer" {
			t.Errorf("the generator hears %q", got)
		}
		if p := w.painter.asked[1].Prompt; !strings.Contains(p, "bluer") {
			t.Errorf("the prompt is %q", p)
		}
	})
}

func TestFeedbackReachesTheGeneratorThoughTheThreadCannotBeRead(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.sentBack("bluer")
		w.hook(id, "bluer")
		w.scripted("/messages", sandbox.Fault{Before: 404})
		w.must(order.StageGenerate)
		if got := w.heard(); got != "client: bluer" {
			t.Errorf("the generator hears %q", got)
		}
	})
}

// TestARoundWithoutFeedbackIsNotPaidFor guards that nobody pays for a round while it
// is not known what to change: it waits for the page, then for owner or client.
func TestARoundWithoutFeedbackIsNotPaidFor(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.sentBack("bluer")
		if f := w.fails(order.StageGenerate, order.Wait, order.CodeNoFeedback); f.After != 2*time.Minute {
			t.Errorf("it waits %s for the page's message", f.After)
		}
		time.Sleep(2 * time.Minute)
		f := w.fails(order.StageGenerate, order.Hold, order.CodeNoFeedback)
		for _, command := range []string{"`atelierd messages --send TEXT " + id + "`", "`atelierd orders retry " + id + "`"} {
			if !strings.Contains(f.Hint, command) {
				t.Errorf("the hint %q lacks %s", f.Hint, command)
			}
		}
		w.poll()
		if o, _ := w.store.Order(t.Context(), id); o.State != order.StateHeld || o.Code != order.CodeNoFeedback {
			t.Errorf("after a poll the order is %s (%s)", o.State, o.Code)
		}
		w.hook(id, "bluer")
		if o, _ := w.store.Order(t.Context(), id); o.State != order.StateWorking || o.Code != "" {
			t.Errorf("after the client's answer the order is %s (%s)", o.State, o.Code)
		}
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 2 {
			t.Errorf("the generator was asked %d times for two rounds", len(w.painter.asked))
		}
	})
}

func TestFeedbackOnADeliveryByHandCountsThoughItCameBeforeItWasNoticed(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		byHand := []atelier.Deliverable{{URL: "https://elsewhere.test/a.png", Media: "image"}}
		if err := atelier.New(w.base).Deliver(t.Context(), id, byHand); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := w.market.Dispute(id, "not blue"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryElsewhere {
			t.Fatalf("the delivery by hand is noticed as %+v", r)
		}
		w.poll()
		w.must(order.StageGenerate)
	})
}

func TestTheOwnerMayHaveARoundMadeWithoutFeedback(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.sentBack("bluer")
		time.Sleep(2 * time.Minute)
		w.fails(order.StageGenerate, order.Hold, order.CodeNoFeedback)
		w.retry(id)
		w.must(order.StageGenerate)
	})
}

func TestTheMessageOfThePageCounts(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		time.Sleep(time.Minute)
		if err := w.market.Dispute(id, "not blue", sandbox.Channel{After: 20 * time.Second}); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.fails(order.StageGenerate, order.Wait, order.CodeNoFeedback)
		time.Sleep(30 * time.Second)
		w.must(order.StageGenerate)
		if got := w.heard(); got != "client: not blue" {
			t.Errorf("the generator hears %q", got)
		}
	})
}

// TestTheClientIsAskedOnceWhatToChange guards the template: the work waits a day for
// the answer, and is held after it.
func TestTheClientIsAskedOnceWhatToChange(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		question, err := message.Parse("What shall I change?")
		if err != nil {
			t.Fatal(err)
		}
		w.reopen(func(s *fulfill.Service) { s.Templates = map[string]*message.Template{"question": question} },
			func(*intake.Service) {})
		id := w.sentBack("bluer")
		time.Sleep(2 * time.Minute)
		for range 3 {
			w.fails(order.StageGenerate, order.Wait, order.CodeNoFeedback)
		}
		w.must(order.StageSend)
		if said := w.said(id); len(said) != 1 || said[0] != "What shall I change?" {
			t.Errorf("the client reads %q", said)
		}
		time.Sleep(24 * time.Hour)
		w.fails(order.StageGenerate, order.Hold, order.CodeNoFeedback)
	})
}
