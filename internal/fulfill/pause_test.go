package fulfill_test

import (
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

func (w *world) pause(service string) {
	w.asOwner(func(o store.Owner) error { return o.Pause(order.Pause{Service: service}, nil) })
}

func (w *world) resume(service string) {
	w.asOwner(func(o store.Owner) error { return o.Resume(service) })
}

// TestNoGenerationBeginsDuringAPause covers what is not paid for either, and a call that may
// never have arrived: to send it again may begin what is paid for.
func TestNoGenerationBeginsDuringAPause(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world, p *provider){
		"a first call": func(w *world, p *provider) { w.useProvider(p); w.order() },
		"a generator that is free": func(w *world, p *provider) {
			w.useProvider(p, func(g *fulfill.Generator) { g.Free = true })
			w.order()
		},
		"a call that may never have arrived": func(w *world, p *provider) {
			p.repeats = true
			w.interrupted(p, "")
			w.poll()
		},
		"a redo": func(w *world, p *provider) {
			p.answers = []answer{{"", fails(order.Fail, order.CodeRefused, order.ChargeNone)}}
			w.useProvider(p)
			id := w.order()
			w.fails(order.StageGenerate, order.Fail, order.CodeRefused)
			w.redo(id, 0)
		},
	} {
		for _, service := range []string{title, ""} {
			t.Run(name+" for "+service, func(t *testing.T) {
				t.Parallel()
				inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
					p := &provider{}
					begin(w, p)
					before := len(p.runs)
					w.pause("Others")
					w.pause(service)
					w.fails(order.StageGenerate, order.Wait, order.CodePausedByOwner)
					if len(p.runs) != before || w.reads() != 0 {
						t.Errorf("%d calls, %d reads", len(p.runs)-before, w.reads())
					}
					w.resume(service)
					w.must(order.StageGenerate)
				})
			})
		}
	}
}

func TestWhatIsPaidForOrMadeGoesOnDuringAPause(t *testing.T) {
	t.Parallel()
	t.Run("a call with a provider's id", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{}
			id := w.interrupted(p, "job1")
			w.pause(title)
			w.must(order.StageGenerate)
			w.must(order.StageUpload)
			w.must(order.StageDeliver)
			if len(p.runs) != 2 || p.runs[1].Ticket != "job1" || w.delivered(id) != 1 {
				t.Errorf("runs %+v, %d deliveries", p.runs, w.delivered(id))
			}
		})
	})
	t.Run("a result on disk", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{}
			w.useProvider(p)
			w.order()
			if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil { // and its commit is lost
				t.Fatal(err)
			}
			w.restart()
			w.pause(title)
			w.must(order.StageGenerate)
			if len(p.runs) != 1 {
				t.Errorf("%d calls", len(p.runs))
			}
		})
	})
}

// TestNoQuoteBeginsDuringAPause covers the price and the quote. One that was sent before is
// finished.
func TestNoQuoteBeginsDuringAPause(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(priced, quotes)
		w.place("pending_quote")
		w.pause(title)
		w.fails(order.StagePrice, order.Wait, order.CodePausedByOwner)
		w.resume(title)
		w.must(order.StagePrice)
		w.pause("")
		w.fails(order.StageQuote, order.Wait, order.CodePausedByOwner)
		w.resume("")
		w.posts("/quote", sandbox.Fault{After: sandbox.Cut})
		w.fails(order.StageQuote, order.Retry, order.CodeNoAnswer)
		w.pause(title)
		if r := w.must(order.StageQuote); r.Quote != order.QuoteConfirmed {
			t.Errorf("the quote that was sent ends as %q", r.Quote)
		}
	})
}
