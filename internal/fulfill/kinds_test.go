package fulfill_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// reopen starts again with another service.
func (w *world) reopen(service func(*fulfill.Service), offer func(*intake.Service)) {
	w.t.Helper()
	w.service, w.offer = service, offer
	w.restart()
}

// place places an order with a status and polls.
func (w *world) place(status string) string {
	w.t.Helper()
	id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: title, Brief: "a fox", Status: status})
	if err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	return id
}

// posts makes the first POSTs to a path with the suffix fail, one for each fault.
func (w *world) posts(suffix string, faults ...sandbox.Fault) {
	n := 0
	w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, suffix) {
			return sandbox.Fault{}
		}
		if n++; n > len(faults) {
			return sandbox.Fault{}
		}
		return faults[n-1]
	}})
}

func priced(s *fulfill.Service) { s.Pricing = &fulfill.Pricing{Fixed: 12 * order.Dollar} }
func quotes(s *intake.Service)  { s.Quotes = true }

func TestAQuoteWhoseAnswerWasLostIsNotSentTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(priced, quotes)
		id := w.place("pending_quote")
		w.must(order.StagePrice)
		w.posts("/quote", sandbox.Fault{After: sandbox.Cut})
		if f := w.fails(order.StageQuote, order.Retry, order.CodeNoAnswer); !f.Outage {
			t.Error("a lost answer counts as an attempt")
		}
		w.restart()
		if r := w.must(order.StageQuote); r.Quote != order.QuoteConfirmed {
			t.Errorf("it ends as %+v", r)
		}
		if n := len(w.sent(sandbox.CallQuote)); n != 1 {
			t.Errorf("%d quotes were sent", n)
		}
		if o, _ := w.market.Order(id); o.PriceUSD != "12.00" || len(o.Quotes) != 1 {
			t.Errorf("the order is %+v", o)
		}
	})
}

func TestAQuoteThatNeverArrivedIsSentAgainOnceItCannotArriveAnyMore(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(priced, quotes)
		id := w.place("pending_quote")
		w.must(order.StagePrice)
		w.posts("/quote", sandbox.Fault{Before: sandbox.Cut})
		w.fails(order.StageQuote, order.Retry, order.CodeNoAnswer)
		w.fails(order.StageQuote, order.Wait, order.CodeSettling)
		if n := len(w.sent(sandbox.CallQuote)); n != 1 {
			t.Errorf("%d quotes were sent while the first could still arrive", n)
		}
		time.Sleep(settle)
		w.must(order.StageQuote)
		if o, _ := w.market.Order(id); len(o.Quotes) != 1 {
			t.Errorf("%d quotes", len(o.Quotes))
		}
	})
}

func TestAPriceOutOfBoundsIsHeldAndNotSent(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(func(s *fulfill.Service) {
			s.Pricing = &fulfill.Pricing{Fixed: 12 * order.Dollar, Min: 1 * order.Dollar, Max: 10 * order.Dollar}
		}, quotes)
		w.place("pending_quote")
		w.fails(order.StagePrice, order.Hold, order.CodeQuoteBounds)
		if n := len(w.sent(sandbox.CallQuote)); n != 0 {
			t.Errorf("%d quotes were sent", n)
		}
	})
}

// greeting is a service that sends a message when an order is received.
func greeting(t *testing.T) (func(*fulfill.Service), func(*intake.Service)) {
	return greets(t, "I have begun with {{.Brief}}")
}

// greets is greeting with another template.
func greets(t *testing.T, text string) (func(*fulfill.Service), func(*intake.Service)) {
	l, err := message.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *fulfill.Service) { s.Templates = map[string]*message.Template{"received": l} },
		func(s *intake.Service) { s.Templates = []string{"received"} }
}

// said returns the agent's messages in the thread.
func (w *world) said(id string) (list []string) {
	o, _ := w.market.Order(id)
	for _, m := range o.Messages {
		if m.From == "provider" {
			list = append(list, m.Content)
		}
	}
	return list
}

func TestAMessageWhoseAnswerWasLostIsNotSentTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		w.posts("/messages", sandbox.Fault{After: sandbox.Cut})
		w.fails(order.StageSend, order.Retry, order.CodeNoAnswer)
		w.restart()
		if r := w.must(order.StageSend); r.Sent != order.OutSent {
			t.Errorf("it ends as %+v", r)
		}
		if said := w.said(id); len(said) != 1 || said[0] != "I have begun with a fox" {
			t.Errorf("the client reads %q", said)
		}
		w.poll()
		if n := len(w.sent(sandbox.CallMessage)); n != 1 {
			t.Errorf("%d messages were sent", n)
		}
	})
}

func TestAMessageThatNeverArrivedIsSentAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		w.posts("/messages", sandbox.Fault{Before: sandbox.Cut})
		w.fails(order.StageSend, order.Retry, order.CodeNoAnswer)
		w.fails(order.StageSend, order.Wait, order.CodeSettling)
		time.Sleep(settle)
		w.must(order.StageSend)
		if said := w.said(id); len(said) != 1 {
			t.Errorf("the client reads %q", said)
		}
	})
}

func TestAMessageWaitsForAStatusThatTakesIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		if err := w.market.SetStatus(id, "quoted"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		j := w.lease(order.StageSend)
		r, err := w.f.Run(t.Context(), j)
		f := order.Classify(t.Context(), err)
		if f == nil || f.Class != order.Wait || f.Code != order.CodeNotNow {
			t.Fatalf("while it is quoted: %+v, %v", r, f)
		}
		if _, err := w.store.Turn(&order.Done{Job: j, Failure: f, RunAt: time.Now().Add(f.After)}, order.LaneNetwork, false, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.market.SetStatus(id, "paid"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.must(order.StageSend)
		if said := w.said(id); len(said) != 1 {
			t.Errorf("the client reads %q", said)
		}
	})
}

func TestAMessageToAnEndedOrderIsDropped(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(greeting(t))
		id := w.place("paid")
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if r := w.must(order.StageSend); r.Sent != order.OutDropped || len(w.said(id)) != 0 {
			t.Errorf("it ends as %+v, the client reads %q", r, w.said(id))
		}
	})
}
