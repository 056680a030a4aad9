package fulfill_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAJobWhoseIdIsStoredIsResumedAndPaidForOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}, {"", fails(order.Wait, order.CodeSlow, order.ChargePending)}}}
		w.useProvider(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		w.restart()
		w.fails(order.StageGenerate, order.Wait, order.CodeSlow)
		w.must(order.StageGenerate)
		if len(p.runs) != 3 || p.runs[0].Ticket != "" || p.runs[1].Ticket != "job1" || p.runs[2].Ticket != "job1" || !p.runs[2].Resumed ||
			p.runs[0].Key != p.runs[2].Key || w.spent(id) != price {
			t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
		}
	})
}

// A provider that knows the key may refuse it with another body. The client writes
// while the outcome is unknown.
func TestACallThatIsMadeAgainGetsTheSameRequest(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{repeats: true, answers: []answer{{"", fails(order.Stopped, order.CodeStopped, order.ChargeUnknown)}}}
		w.useProvider(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		if err := w.market.ClientMessage(id, "and make it red"); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || p.runs[0].Key != p.runs[1].Key || len(p.requests[1].Messages) != 0 {
			t.Fatalf("runs %+v, requests %+v", p.runs, p.requests)
		}
		p.requests[0].Call, p.requests[1].Call = generate.Call{}, generate.Call{}
		if !reflect.DeepEqual(p.requests[0], p.requests[1]) {
			t.Errorf("the same call is made with %+v and with %+v", p.requests[0], p.requests[1])
		}
	})
}

// The configuration may name another generator while a job of the first is open.
func TestAJobIsResumedByTheGeneratorThatBeganIt(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, w *world) (*provider, string) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
		w.useProvider(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		return p, id
	}
	other := func(w *world) *provider {
		p := &provider{painter: w.painter}
		w.service = func(s *fulfill.Service) {
			s.Generators = []fulfill.Generator{{Name: "other", Backend: p, Price: price}}
		}
		return p
	}
	t.Run("it is still there", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p, id := begin(t, w)
			second := other(w)
			w.makers = map[string]fulfill.Generator{"paid": {Name: "paid", Backend: p, Price: price}}
			w.restart()
			w.must(order.StageGenerate)
			if len(second.runs) != 0 || len(p.runs) != 2 || w.spent(id) != price {
				t.Errorf("the other ran %d times, spent %s", len(second.runs), w.spent(id))
			}
		})
	})
	t.Run("it is gone", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			_, id := begin(t, w)
			second := other(w)
			w.restart()
			if f := w.fails(order.StageGenerate, order.Hold, order.CodeNoGenerator); !strings.Contains(f.Error(), "job1") {
				t.Errorf("%v", f)
			}
			w.redo(id, 0)
			w.must(order.StageGenerate)
			if len(second.runs) != 1 || w.spent(id) != 2*price {
				t.Errorf("the other ran %d times, spent %s", len(second.runs), w.spent(id))
			}
		})
	})
}

func TestAJobIsAskedAboutWhileTheMarketplaceIsDown(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.Dispute(id, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
		w.useProvider(p)
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		w.scripted("/messages", slices.Repeat([]sandbox.Fault{{Before: 503}}, 10)...)
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || p.runs[1].Ticket != "job1" {
			t.Errorf("runs %+v", p.runs)
		}
	})
}

// leaver leaves a file behind and fails or is stopped.
type leaver struct {
	failure *order.Failure
	found   []string
	attempt int
}

func (l *leaver) Repeats() bool { return true }

func (l *leaver) Check(context.Context) error { return nil }

func (l *leaver) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	entries, err := os.ReadDir(r.OutputDir)
	l.found, l.attempt = nil, r.Attempt
	for _, e := range entries {
		l.found = append(l.found, e.Name())
	}
	file := filepath.Join(r.OutputDir, fmt.Sprintf("of-attempt-%d", r.Attempt))
	if err := errors.Join(err, os.WriteFile(file, nil, 0o600)); err != nil {
		return generate.Result{}, err
	}
	return generate.Result{}, l.failure
}

func TestAnAttemptFindsTheFilesOfItsOwnCallAndNoOthers(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		l := &leaver{failure: fails(order.Retry, order.CodeExit, order.ChargeNone)}
		w.service = func(s *fulfill.Service) { s.Generators = []fulfill.Generator{{Name: "own", Backend: l}} }
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeExit)
		w.cancel(id)
		w.retry(id) // it begins with attempt 1 again
		w.fails(order.StageGenerate, order.Retry, order.CodeExit)
		if len(l.found) != 0 {
			t.Errorf("a new attempt found %q of one before the owner's retry", l.found)
		}
		l.failure = fails(order.Stopped, order.CodeStopped, order.ChargePending)
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped) // attempt 2
		w.cancel(id)
		w.retry(id)
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		if !slices.Equal(l.found, []string{"of-attempt-2"}) || l.attempt != 2 {
			t.Errorf("a call that was cut found %q as attempt %d, want its own file and number", l.found, l.attempt)
		}
	})
}

func TestRejectedWorkIsMadeAgainAlsoAfterTheOwnersRetry(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) {
			s.Requirements.Checker = &critic{err: fails(order.Fail, order.CodeRefused, order.ChargeNone)}
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeVetoed)
		w.service = nil
		w.restart()
		w.cancel(id)
		w.retry(id)
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 2 || w.painter.asked[1].Attempt != 1 {
			t.Errorf("asked %+v", w.painter.asked)
		}
	})
}

// A failed check or a full disk after the call: the result is kept, whatever the
// attempt.
func TestWorkThatIsMadeIsNotPaidForAgainWhateverFailsAfterIt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		judge := &critic{err: order.Failf(order.Hold, order.CodeMisconfigured, "not set up")}
		p := &provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)}}}
		w.useProvider(p)
		w.service = func(s *fulfill.Service) {
			s.Generators, s.Requirements.Checker = []fulfill.Generator{{Name: "paid", Backend: p, Price: price}}, judge
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		w.fails(order.StageGenerate, order.Hold, order.CodeMisconfigured) // the second attempt
		w.retry(id)
		judge.err = errors.New("the disk has failed")
		w.fails(order.StageGenerate, order.Retry, order.CodeError) // the first attempt again
		judge.err = nil
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || w.spent(id) != 2*price {
			t.Errorf("%d calls, spent %s", len(p.runs), w.spent(id))
		}
	})
}

func TestARejectedLinkIsMadeAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files, w.painter.url, w.painter.kind = 0, "https://a.example/1", "video"
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeBadFile)
		w.painter.kind = "image"
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 2 {
			t.Errorf("the generator ran %d times", len(w.painter.asked))
		}
	})
}
