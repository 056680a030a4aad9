package fulfill_test

import (
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// restored are databases from between a call that is done and the use of its result, which
// have no file of it.
var restored = map[string]struct {
	provider provider
	// before and after are what happens before the copy and after the restore.
	before, after func(w *world, id string)
	// sameCall: the second run asks for the first call.
	sameCall bool
}{
	"the provider's id is known":  {provider: provider{answers: []answer{{"job1", nil}}}, sameCall: true},
	"the provider knows its key":  {provider: provider{repeats: true}, sameCall: true},
	"it cannot be asked for":      {},
	"the owner wants another one": {provider: provider{answers: []answer{{"job1", nil}}}, after: func(w *world, id string) { w.cancel(id); w.redo(id, 0) }},
	"another one was wanted before": {
		provider: provider{answers: []answer{{"job0", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)}, {"job1", nil}}},
		before: func(w *world, id string) {
			w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
			w.cancel(id)
			w.redo(id, 0)
		},
		sameCall: true,
	},
}

// TestAResultThatARestoredDatabaseLacksIsFetchedAgain guards what a provider has made. The
// copy of the database was taken after the call was closed, and no file came with it.
func TestAResultThatARestoredDatabaseLacksIsFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range restored {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := c.provider
				w.useProvider(&p)
				id := w.order()
				if c.before != nil {
					c.before(w, id)
				}
				if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil {
					t.Fatal(err)
				}
				w.backup()()
				w.poll()
				if c.after != nil {
					c.after(w, id)
				}
				before, spent := len(w.calls(id)), w.spent(id)
				w.must(order.StageGenerate)
				first, last := p.runs[len(p.runs)-2], p.runs[len(p.runs)-1]
				calls := len(w.calls(id)) - before
				switch {
				case c.sameCall && (first.Key != last.Key || calls != 0 || w.spent(id) != spent || !last.Resumed):
					t.Errorf("it is made again as %+v, %d more calls, spent %s of %s", last, calls, w.spent(id), spent)
				case !c.sameCall && (first.Key == last.Key || calls != 1 || w.spent(id) != spent+price):
					t.Errorf("it is not made again: %+v, %d more calls, spent %s of %s", last, calls, w.spent(id), spent)
				}
				if made := w.calls(id); made[len(made)-1].State != order.CallDone {
					t.Errorf("calls %+v", made)
				}
			})
		})
	}
}

// TestWhatWasRejectedIsNotFetchedAgain guards that work is made again where its files were
// of no use, also by a database that was restored since.
func TestWhatWasRejectedIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		judge := &critic{err: fails(order.Fail, order.CodeRefused, order.ChargeNone)}
		p := &provider{answers: []answer{{"job1", nil}}}
		w.useProvider(p)
		w.service = func(s *fulfill.Service) {
			s.Generators, s.Requirements.Checker = []fulfill.Generator{{Name: "paid", Backend: p, Price: price}}, judge
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeVetoed)
		w.backup()()
		w.poll()
		judge.err = nil
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || p.runs[1].Ticket != "" || w.spent(id) != 2*price {
			t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
		}
	})
}
