package fulfill_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

const proposedPrice = `{"price_usd": 20, "reason": "Two foxes are more work than one."}`

// useQuoting has a model propose prices of $5 to $50.
func (w *world) useQuoting(answers ...http.HandlerFunc) *gentest.Chat {
	w.t.Helper()
	chat, a := w.useAssistant()
	chat.Next(answers...)
	w.reopen(func(s *fulfill.Service) {
		s.Pricing = &fulfill.Pricing{By: a, Min: 5 * order.Dollar, Max: 50 * order.Dollar}
		s.Instructions = "A background costs more."
	}, quotes)
	return chat
}

func TestTheAssistantProposesAPrice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat := w.useQuoting(gentest.ChatText(proposedPrice))
		id := w.place("pending_quote")
		r := w.must(order.StagePrice)
		if r.Priced == nil || r.Priced.Price != 20*order.Dollar || r.Priced.Source != order.SourceAssistant || !strings.Contains(r.Note, "Two foxes") {
			t.Errorf("%+v", r)
		}
		w.must(order.StageQuote)
		if o, _ := w.market.Order(id); o.PriceUSD != "20.00" || len(o.Quotes) != 1 {
			t.Errorf("the market has %s and %d quotes", o.PriceUSD, len(o.Quotes))
		}
		asked := chat.Requests()[0]
		for _, want := range []string{`"brief":"a fox"`, `"lowest_usd":"5.00"`, `"highest_usd":"50.00"`, `"earlier_orders":[]`, "A background costs more."} {
			if !strings.Contains(asked.Text, want) {
				t.Errorf("the question lacks %s: %s", want, asked.Text)
			}
		}
		if c := w.calls(id); len(c) != 1 || c[0].State != order.CallDone || c[0].Cost != 1200 || w.spent(id) != 1200 {
			t.Errorf("%+v, $%s", c, w.spent(id))
		}
	})
}

// What a client writes may move the model. It moves no price beyond the bounds.
func TestAPriceOutsideTheBoundsIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, price := range []string{"0.01", "4.99", "50.01", "50.001", "100000000"} {
		t.Run(price, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat := w.useQuoting(gentest.ChatText(`{"price_usd": ` + price + `, "reason": "The client says so."}`))
				id := w.place("pending_quote")
				f := w.fails(order.StagePrice, order.Hold, order.CodeProposalBounds)
				if !strings.HasSuffix(f.Error(), "; the assistant: The client says so.") {
					t.Errorf("the owner does not read why: %v", f)
				}
				w.poll()
				if _, there, err := w.store.Quote(t.Context(), id); err != nil || there || len(w.sent(sandbox.CallQuote)) != 0 {
					t.Errorf("%v, there is a quote after %v", err, f)
				}
				if c := w.calls(id); len(c) != 1 || c[0].State != order.CallDone || chat.Paid() != 1 {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}

// The answer is committed with the hold. A reload is no reason to pay for another one.
func TestAChangeOfTheConfigurationAsksForNoPriceAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		configure := func(digest string) {
			if err := w.store.Configure(order.Configured{Digest: digest}); err != nil {
				t.Fatal(err)
			}
		}
		chat := w.useQuoting(gentest.ChatText(`{"price_usd": 90, "reason": ""}`), gentest.ChatText(proposedPrice))
		configure("first")
		id := w.place("pending_quote")
		f := w.fails(order.StagePrice, order.Hold, order.CodeProposalBounds)
		if !strings.Contains(f.Hint, "orders retry") || !strings.Contains(f.Hint, "paid for") {
			t.Errorf("hint: %s", f.Hint)
		}
		configure("reloaded")
		w.restart()
		configure("restarted")
		w.poll()
		if turn, err := w.store.Turn(nil, order.StagePrice.Lane(), true, time.Hour); err != nil || turn.Job != nil {
			t.Errorf("%+v is leased, %v", turn.Job, err)
		}
		if n := len(w.calls(id)); n != 1 || chat.Paid() != 1 {
			t.Errorf("%d calls, %d paid answers", n, chat.Paid())
		}
		w.retry(id) // the owner has it asked again
		if r := w.must(order.StagePrice); r.Priced == nil || r.Priced.Price != 20*order.Dollar || chat.Paid() != 2 {
			t.Errorf("%+v, %d paid answers", r, chat.Paid())
		}
	})
}

func TestAQuoteWithoutAProposalIsHeldForTheOwner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		why    string
		cost   order.USD
	}{
		"another field": {gentest.ChatText(`{"price_usd": 20, "reason": "", "approve": true}`), "not of the schema", 1200},
		"no price":      {gentest.ChatText(`{"price_usd": 0, "reason": ""}`), "not an amount of money", 1200},
		"a word":        {gentest.ChatText(`{"price_usd": "free", "reason": ""}`), "not of the schema", 1200},
		"below nothing": {gentest.ChatText(`{"price_usd": -20, "reason": ""}`), "not an amount of money", 1200},
		"a power":       {gentest.ChatText(`{"price_usd": 2e1, "reason": ""}`), "not an amount of money", 1200},
		"a refusal":     {gentest.ChatAnswer("stop", map[string]any{"content": nil, "refusal": "I cannot."}), "refuses: I cannot.", 1200},
		"a wrong key":   {gentest.ChatStatus(401, nil), "401", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				chat := w.useQuoting(c.answer, gentest.ChatText(proposedPrice))
				id := w.place("pending_quote")
				if f := w.fails(order.StagePrice, order.Hold, order.CodeQuoteDeclined); !strings.Contains(f.Error(), c.why) || !strings.Contains(f.Hint, "quote") {
					t.Errorf("%v, hint: %s", f, f.Hint)
				}
				w.poll() // which asks nothing again
				if n := len(chat.Requests()); n != 1 || w.spent(id) != c.cost {
					t.Errorf("%d questions, $%s", n, w.spent(id))
				}
				if name == "a wrong key" {
					return // the assistant is paused
				}
				w.retry(id)
				w.must(order.StagePrice)
			})
		})
	}
}

func TestAtACapTheOwnerNamesThePrice(t *testing.T) {
	t.Parallel()
	for _, caps := range []order.Caps{{Attempt: 5000}, {Order: 5000}, {Day: 5000}} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.caps = caps
			chat := w.useQuoting()
			w.place("pending_quote")
			w.fails(order.StagePrice, order.Hold, order.CodeQuoteDeclined)
			if len(chat.Requests()) != 0 {
				t.Errorf("%d questions", len(chat.Requests()))
			}
		})
	}
}

// The answer arrives and the process ends before the price is committed with it, twice.
func TestAProposalThatWasNotCommittedIsAskedForOnceMore(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat := w.useQuoting(gentest.ChatText(proposedPrice), gentest.ChatText(proposedPrice), gentest.ChatText(proposedPrice))
		id := w.place("pending_quote")
		for range 2 {
			if _, err := w.f.Run(w.t.Context(), w.lease(order.StagePrice)); err != nil {
				t.Fatal(err)
			}
			w.restart() // before its result was committed
		}
		f := w.fails(order.StagePrice, order.Hold, order.CodeQuoteDeclined)
		if c := w.calls(id); len(c) != 2 || c[0].State != order.CallUnknown || c[1].State != order.CallUnknown || chat.Paid() != 2 {
			t.Errorf("%v: %+v, %d answers", f, c, chat.Paid())
		}
		w.retry(id) // the owner has it asked again
		w.must(order.StagePrice)
	})
}

// The order ends while the model thinks. What the answer has cost counts.
func TestAProposalWhoseLeaseIsLostIsStillBooked(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.useQuoting(gentest.ChatText(proposedPrice))
		id := w.place("pending_quote")
		j := w.lease(order.StagePrice)
		r, err := w.f.Run(context.WithoutCancel(t.Context()), j)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.market.SetStatus(id, "cancelled"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		turn, err := w.store.Turn(&order.Done{Job: j, Result: r}, order.LaneGenerate, false, 0)
		if err != nil || !turn.Lost {
			t.Fatal(err, turn)
		}
		if c := w.calls(id); len(c) != 1 || c[0].State != order.CallDone || c[0].Cost != 1200 {
			t.Errorf("%+v", c)
		}
		if _, there, err := w.store.Quote(t.Context(), id); err != nil || there {
			t.Error("there is a quote", errors.Join(err))
		}
	})
}

func TestTheAssistantSeesWhatEarlierOrdersCost(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		chat := w.useQuoting(gentest.ChatText(proposedPrice))
		done := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.SetStatus(done, "completed"); err != nil {
			t.Fatal(err)
		}
		w.place("pending_quote")
		w.must(order.StagePrice)
		if asked := chat.Requests()[0]; !strings.Contains(asked.Text, `"earlier_orders":[{"price_usd":"5.00","cost_usd":"0.04"}]`) {
			t.Errorf("%s", asked.Text)
		}
	})
}
