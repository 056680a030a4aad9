package fulfill_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// provider is a generator of jobs that are paid for: its answers come from a
// list, one for each run; after them it makes the file.
type provider struct {
	*painter
	answers []answer
	repeats bool
	runs    []generate.Call
}

type answer struct {
	ticket string
	err    *order.Failure
}

func (p *provider) Repeats() bool { return p.repeats }

func (p *provider) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	p.runs = append(p.runs, r.Call)
	if len(p.answers) > 0 {
		a := p.answers[0]
		p.answers = p.answers[1:]
		if a.ticket != "" && r.Call.Ticket == "" {
			if err := r.Call.Submitted(a.ticket); err != nil {
				return generate.Result{}, err
			}
		}
		if a.err != nil {
			return generate.Result{}, a.err
		}
	}
	made, err := p.painter.Generate(ctx, r)
	made.Cost = 0
	return made, err
}

const price = order.Dollar / 10

// hired puts a provider in the painter's place.
func (w *world) hired(p *provider, change ...func(*fulfill.Maker)) {
	p.painter = w.painter
	m := fulfill.Maker{Name: "paid", Generator: p, Price: price}
	for _, c := range change {
		c(&m)
	}
	w.service = func(s *fulfill.Service) { s.Makers = []fulfill.Maker{m} }
	w.restart()
}

func fails(class order.Class, code string, spending order.Spending) *order.Failure {
	f := order.Failf(class, code, "the provider says %s", code)
	f.Spending = spending
	return f
}

func hold(m *fulfill.Maker) { m.HoldUnknown = true }

func TestAJobWhoseIdIsStoredIsGoneOnWithAndPaidForOnce(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, "stopped", order.SpentStill)}, {"", fails(order.Wait, "slow", order.SpentStill)}}}
		w.hired(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Stopped, "stopped")
		w.restart()
		w.fails(order.StageGenerate, order.Wait, "slow")
		w.must(order.StageGenerate)
		if len(p.runs) != 3 || p.runs[0].Ticket != "" || p.runs[1].Ticket != "job1" || p.runs[2].Ticket != "job1" || !p.runs[2].Resumed ||
			p.runs[0].Key != p.runs[2].Key || w.spent(id) != price {
			t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
		}
	})
}

func TestACallOfUnknownOutcomeCountsAndIsRepeatedOrLeftToTheOwner(t *testing.T) {
	unknown := fails(order.Retry, "no_answer", order.SpentUnknown)
	t.Run("retry", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", unknown}}}
			w.hired(p)
			id := w.order()
			w.fails(order.StageGenerate, order.Retry, "no_answer")
			w.must(order.StageGenerate)
			if p.runs[0].Key == p.runs[1].Key || w.spent(id) != 2*price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
	t.Run("retry after a crash", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", fails(order.Stopped, "stopped", order.SpentStill)}}}
			w.hired(p)
			id := w.order()
			if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err == nil {
				t.Fatal("it was cut")
			}
			w.restart()
			w.must(order.StageGenerate)
			if p.runs[0].Key == p.runs[1].Key || w.spent(id) != 2*price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
	t.Run("hold", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", unknown}}}
			w.hired(p, hold)
			id := w.order()
			f := w.fails(order.StageGenerate, order.Hold, order.CodeUnknownCall)
			if !strings.Contains(f.Hint, "orders retry") {
				t.Errorf("hint %q", f.Hint)
			}
			w.retry(id)
			w.must(order.StageGenerate)
			if len(p.runs) != 2 || w.spent(id) != 2*price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
	t.Run("hold after a crash", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", fails(order.Stopped, "stopped", order.SpentStill)}}}
			w.hired(p, hold)
			id := w.order()
			if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err == nil {
				t.Fatal("it was cut")
			}
			w.restart()
			w.fails(order.StageGenerate, order.Hold, order.CodeUnknownCall)
			if len(p.runs) != 1 || w.spent(id) != price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
	t.Run("the same call again", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", unknown}}, repeats: true}
			w.hired(p, hold)
			id := w.order()
			w.fails(order.StageGenerate, order.Retry, "no_answer")
			w.must(order.StageGenerate)
			if p.runs[0].Key != p.runs[1].Key || !p.runs[1].Resumed || w.spent(id) != price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
}

func TestWhatWasNotSpentDoesNotCount(t *testing.T) {
	for _, c := range []struct {
		class    order.Class
		code     string
		spending order.Spending
		want     order.USD
	}{
		{order.Wait, "rate_limited", order.SpentNothing, 0},
		{order.Retry, "outage", order.SpentNothing, 0},
		{order.Retry, "provider", order.Spent, price},
		{order.Retry, "expired", order.Spent, price},
		{order.Fail, "refused", order.SpentNothing, 0},
		{order.Fail, "refused", order.Spent, price},
	} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.hired(&provider{answers: []answer{{"", fails(c.class, c.code, c.spending)}}})
			id := w.order()
			w.fails(order.StageGenerate, c.class, c.code)
			if got := w.spent(id); got != c.want {
				t.Errorf("%s %s: spent %s, want %s", c.code, c.spending, got, c.want)
			}
		})
	}
}

// A request that cost nothing does not make its call one that cost nothing.
func TestACallThatIsAskedForAgainInVainStaysOpen(t *testing.T) {
	for name, second := range map[string]*order.Failure{
		"unreachable": fails(order.Retry, "unreachable", order.SpentNothing),
		"busy":        fails(order.Wait, "rate_limited", order.SpentNothing),
		"no key":      fails(order.Hold, "misconfigured", order.SpentNothing),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{answers: []answer{{"", fails(order.Retry, "no_answer", order.SpentUnknown)}, {"", second}}, repeats: true}
				w.hired(p)
				id := w.order()
				w.fails(order.StageGenerate, order.Retry, "no_answer")
				w.fails(order.StageGenerate, second.Class, second.Code)
				if second.Class == order.Hold {
					w.retry(id)
				}
				w.must(order.StageGenerate)
				if p.runs[2].Key != p.runs[0].Key || w.spent(id) != price {
					t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
				}
			})
		})
	}
}

// Or it would be paid for without end.
func TestWhatWasPaidForCountsAsAnAttempt(t *testing.T) {
	for _, class := range []order.Class{order.Retry, order.Wait} {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			lost := fails(class, "fetch", order.SpentUnknown)
			lost.Outage = true
			w.hired(&provider{answers: []answer{{"", lost}}})
			w.order()
			if f := w.fails(order.StageGenerate, order.Retry, "fetch"); f.Outage {
				t.Error("it counts as an outage, which costs no attempt")
			}
		})
	}
}

// A service may have got another generator while a job of the first was under way.
func TestAJobIsGoneOnWithByTheGeneratorThatBeganIt(t *testing.T) {
	begin := func(t *testing.T, w *world) (*provider, string) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, "stopped", order.SpentStill)}}}
		w.hired(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Stopped, "stopped")
		return p, id
	}
	other := func(w *world) *provider {
		p := &provider{painter: w.painter}
		w.service = func(s *fulfill.Service) { s.Makers = []fulfill.Maker{{Name: "other", Generator: p, Price: price}} }
		return p
	}
	t.Run("it is still there", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p, id := begin(t, w)
			second := other(w)
			w.makers = map[string]fulfill.Maker{"paid": {Name: "paid", Generator: p, Price: price}}
			w.restart()
			w.must(order.StageGenerate)
			if len(second.runs) != 0 || len(p.runs) != 2 || w.spent(id) != price {
				t.Errorf("the other ran %d times, spent %s", len(second.runs), w.spent(id))
			}
		})
	})
	t.Run("it is gone", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			_, id := begin(t, w)
			second := other(w)
			w.restart()
			if f := w.fails(order.StageGenerate, order.Hold, "no_generator"); !strings.Contains(f.Error(), "job1") {
				t.Errorf("%v", f)
			}
			w.redo(id)
			w.must(order.StageGenerate)
			if len(second.runs) != 1 || w.spent(id) != 2*price {
				t.Errorf("the other ran %d times, spent %s", len(second.runs), w.spent(id))
			}
		})
	})
}

func TestAJobIsAskedAboutWhileTheMarketplaceIsDown(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.Dispute(id, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, "stopped", order.SpentStill)}}}
		w.hired(p)
		w.fails(order.StageGenerate, order.Stopped, "stopped")
		w.scripted("/messages", slices.Repeat([]sandbox.Fault{{Before: 503}}, 10)...)
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || p.runs[1].Ticket != "job1" {
			t.Errorf("runs %+v", p.runs)
		}
	})
}

func TestAnAttemptThatIsMadeAgainHasOneCap(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Attempt: 2 * price}
		cut := answer{"", fails(order.Stopped, "stopped", order.SpentStill)}
		p := &provider{answers: []answer{cut, cut, cut, cut}}
		w.hired(p)
		id := w.order()
		for range 2 {
			w.fails(order.StageGenerate, order.Stopped, "stopped")
			w.restart()
		}
		w.fails(order.StageGenerate, order.Hold, "attempt_cap")
		w.retry(id) // which is the owner's word for another attempt
		w.fails(order.StageGenerate, order.Stopped, "stopped")
		if len(p.runs) != 3 {
			t.Errorf("%d calls", len(p.runs))
		}
	})
}

func TestWhatCostsNothingIsStoppedByNoCap(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Day: price}
		dear := fails(order.Retry, "provider", order.Spent)
		dear.Cost = 2 * price // as the provider tells afterwards
		p := &provider{answers: []answer{{"", dear}}}
		w.hired(p)
		w.order()
		w.fails(order.StageGenerate, order.Retry, "provider")
		w.service = func(s *fulfill.Service) {
			s.Makers = []fulfill.Maker{{Name: "local", Generator: p.painter, Free: true}}
		}
		w.restart()
		w.must(order.StageGenerate)
	})
}

// leaver leaves a file behind and fails, or is cut.
type leaver struct {
	failure *order.Failure
	found   []string
}

func (l *leaver) Repeats() bool               { return true }
func (l *leaver) Check(context.Context) error { return nil }
func (l *leaver) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	entries, err := os.ReadDir(r.OutputDir)
	l.found = nil
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
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		l := &leaver{failure: fails(order.Retry, "exit", order.SpentNothing)}
		w.service = func(s *fulfill.Service) { s.Makers = []fulfill.Maker{{Name: "own", Generator: l}} }
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, "exit")
		w.cancel(id)
		w.retry(id) // it begins with attempt 1 again
		w.fails(order.StageGenerate, order.Retry, "exit")
		if len(l.found) != 0 {
			t.Errorf("a new attempt found %q of one before the owner's retry", l.found)
		}
		l.failure = fails(order.Stopped, "stopped", order.SpentStill)
		w.fails(order.StageGenerate, order.Stopped, "stopped") // attempt 2
		w.cancel(id)
		w.retry(id)
		w.fails(order.StageGenerate, order.Stopped, "stopped")
		if !slices.Equal(l.found, []string{"of-attempt-2"}) {
			t.Errorf("a call that was cut found %q, want its own file", l.found)
		}
	})
}

func TestNoCallGoesBeyondACap(t *testing.T) {
	lost := answer{"", fails(order.Retry, "no_answer", order.SpentUnknown)}
	for name, c := range map[string]struct {
		caps  order.Caps
		class order.Class
		code  string
		calls int
	}{
		"an attempt":         {order.Caps{Attempt: price - 1}, order.Hold, "attempt_cap", 0},
		"an order":           {order.Caps{Order: 2*price + 1}, order.Hold, "order_cap", 2},
		"exactly":            {order.Caps{Order: 3 * price}, order.Hold, "order_cap", 3},
		"a share of the net": {order.Caps{Percent: 5}, order.Hold, "order_cap", 2}, // 5 % of 4.50 is 0.225
		"a day":              {order.Caps{Day: 2 * price}, order.Wait, order.CodeDayCap, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.caps = c.caps
				p := &provider{answers: []answer{lost, lost, lost, lost}}
				w.hired(p)
				id := w.order()
				for range c.calls {
					w.fails(order.StageGenerate, order.Retry, "no_answer")
				}
				f := w.fails(order.StageGenerate, c.class, c.code)
				if len(p.runs) != c.calls || w.spent(id) != order.USD(c.calls)*price {
					t.Errorf("%d calls, spent %s", len(p.runs), w.spent(id))
				}
				if c.class == order.Wait && f.After != time.Hour {
					t.Errorf("it waits %s", f.After)
				}
			})
		})
	}
}

func TestTheNextDayHasItsOwnCapAndTheOwnerIsTold(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Day: price}
		w.hired(&provider{answers: []answer{{"", fails(order.Retry, "no_answer", order.SpentUnknown)}}})
		w.order()
		w.fails(order.StageGenerate, order.Retry, "no_answer")
		w.fails(order.StageGenerate, order.Wait, order.CodeDayCap)
		if told, err := w.store.Fact(t.Context(), "trouble.spending"); err != nil || !strings.Contains(told, "today's cap") {
			t.Errorf("the owner is told %q, %v", told, err)
		}
		time.Sleep(24 * time.Hour)
		w.must(order.StageGenerate)
		if told, _ := w.store.Fact(t.Context(), "trouble.spending"); told != "" {
			t.Errorf("the owner is still told %q", told)
		}
	})
}

func TestAnotherGeneratorStandsInForOneThatIsDownAndForNoOther(t *testing.T) {
	down := fails(order.Retry, "outage", order.SpentNothing)
	running := fails(order.Retry, "outage", order.SpentStill)
	down.Outage, running.Outage = true, true
	for name, c := range map[string]struct {
		answer answer
		class  order.Class // empty when the other has made it
		code   string
	}{
		"down":    {answer{"", down}, "", ""},
		"refused": {answer{"", fails(order.Fail, "refused", order.SpentNothing)}, order.Fail, "refused"},
		"unknown": {answer{"", fails(order.Retry, "no_answer", order.SpentUnknown)}, order.Retry, "no_answer"},
		"running": {answer{"job1", running}, order.Retry, "outage"},
		"failed":  {answer{"", fails(order.Retry, "provider", order.Spent)}, order.Retry, "provider"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				first, second := &provider{painter: w.painter, answers: []answer{c.answer}}, &provider{painter: w.painter}
				w.service = func(s *fulfill.Service) {
					s.Makers = []fulfill.Maker{{Name: "first", Generator: first}, {Name: "local", Generator: second}}
				}
				w.restart()
				w.order()
				if c.class == "" {
					w.must(order.StageGenerate)
				} else {
					w.fails(order.StageGenerate, c.class, c.code)
				}
				if stoodIn := len(second.runs) == 1; stoodIn != (c.class == "") {
					t.Errorf("the other ran %d times", len(second.runs))
				}
			})
		})
	}
}

func TestAPausedGeneratorCostsNoAttemptAndGoesOnOnceItAnswers(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		down := fails(order.Retry, "outage", order.SpentNothing)
		down.Outage = true
		var up error = down
		probes := 0
		breaker := &generate.Breaker{Threshold: 2, Pause: time.Minute, Probe: func(context.Context) error { probes++; return up }}
		p := &provider{answers: []answer{{"", down}, {"", down}}}
		w.hired(p, func(m *fulfill.Maker) { m.Breaker = breaker })
		w.order()
		w.fails(order.StageGenerate, order.Retry, "outage")
		w.fails(order.StageGenerate, order.Retry, "outage")
		if f := w.fails(order.StageGenerate, order.Wait, "paused"); f.After != time.Minute || len(p.runs) != 2 {
			t.Errorf("it waits %s after %d runs", f.After, len(p.runs))
		}
		time.Sleep(time.Minute)
		if f := w.fails(order.StageGenerate, order.Wait, "paused"); f.After != 2*time.Minute || probes != 1 {
			t.Errorf("it waits %s after %d probes", f.After, probes)
		}
		time.Sleep(2 * time.Minute)
		up = nil
		w.must(order.StageGenerate)
	})
}

func TestWorkWaitsWhileOnlyTheOwnerCanMendTheGenerator(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		up := error(nil)
		breaker := &generate.Breaker{Pause: time.Minute, Probe: func(context.Context) error { return up }}
		p := &provider{answers: []answer{{"", fails(order.Hold, "key_refused", order.SpentNothing)}}}
		w.hired(p, func(m *fulfill.Maker) { m.Breaker = breaker })
		id := w.order()
		if f := w.fails(order.StageGenerate, order.Wait, "paused"); f.After != time.Minute || !strings.Contains(f.Error(), "key_refused") {
			t.Errorf("it waits %s: %v", f.After, f)
		}
		time.Sleep(time.Minute)
		w.must(order.StageGenerate)
		if w.spent(id) != price {
			t.Errorf("spent %s", w.spent(id))
		}
	})
}

func TestNoClientGetsTheFileOfAnotherOrTheOneHeSentBack(t *testing.T) {
	same := func(_ context.Context, r generate.Request) (generate.Result, error) {
		file := filepath.Join(r.OutputDir, "same.png")
		return generate.Result{Files: []string{file}}, os.WriteFile(file, picture, 0o600)
	}
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) { s.Makers[0].Generator = generatorFunc(same) }
		w.restart()
		first := w.order()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		w.order()
		if f := w.fails(order.StageGenerate, order.Retry, "duplicate"); !strings.Contains(f.Error(), first) {
			t.Errorf("%v", f)
		}
		w.service = func(s *fulfill.Service) { s.Makers[0].Generator, s.Promise.Repeats = generatorFunc(same), true }
		w.restart()
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.must(order.StageDeliver)
		if err := w.market.Dispute(first, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.fails(order.StageGenerate, order.Retry, "same_again")
	})
}

type generatorFunc func(context.Context, generate.Request) (generate.Result, error)

func (f generatorFunc) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	return f(ctx, r)
}
func (generatorFunc) Check(context.Context) error { return nil }

// critic judges with one error.
type critic struct {
	err   error
	files []string
}

func (c *critic) Judge(_ context.Context, _ generate.Request, files []string) error {
	c.files = files
	return c.err
}

func TestTheOwnersCheckMayVeto(t *testing.T) {
	for name, c := range map[string]struct {
		err   *order.Failure
		class order.Class
		code  string
	}{
		"a veto":        {fails(order.Fail, "refused", order.SpentNothing), order.Retry, "vetoed"},
		"later":         {fails(order.Retry, "try_later", order.SpentNothing), order.Wait, "try_later"},
		"broken":        {fails(order.Retry, "exit", order.SpentNothing), order.Hold, "check"},
		"misconfigured": {fails(order.Hold, "misconfigured", order.SpentNothing), order.Hold, "misconfigured"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				judge := &critic{err: c.err}
				w.service = func(s *fulfill.Service) { s.Promise.Judge = judge }
				w.restart()
				id := w.order()
				w.fails(order.StageGenerate, c.class, c.code)
				if len(judge.files) != 1 || len(w.artifacts(id)) != 0 {
					t.Errorf("it was shown %q; kept %+v", judge.files, w.artifacts(id))
				}
				judge.err = nil
				if c.class == order.Hold {
					w.retry(id)
				}
				w.must(order.StageGenerate)
				if again := len(w.painter.asked) == 2; again != (c.code == "vetoed") {
					t.Errorf("the work was made %d times", len(w.painter.asked))
				}
			})
		})
	}
}

func TestTheNumberOfFilesIsPromised(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) { s.Promise.Files = 2 }
		w.restart()
		w.order()
		w.fails(order.StageGenerate, order.Retry, "bad_file")
		w.painter.files = 2
		w.must(order.StageGenerate)
	})
}

func TestThePromptSaysWhatWasWrongWithTheLastRound(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		time.Sleep(time.Minute)
		if err := errors.Join(w.market.Dispute(id, "no"), w.market.ClientMessage(id, "it should be blue")); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.must(order.StageGenerate)
		prompts := []string{w.painter.asked[0].Prompt, w.painter.asked[1].Prompt}
		if prompts[0] != "a fox" || !strings.HasPrefix(prompts[1], "a fox\n") || !strings.Contains(prompts[1], "- it should be blue") {
			t.Errorf("prompts %q", prompts)
		}
	})
}

func TestReferencesAreFetchedOnceAndAMissingOneIsANote(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		l := &shelf{has: map[string]string{"https://a.example/1.png": string(picture) + "one", "https://a.example/text.png": "no picture"}}
		w.links = l
		w.painter.err = order.Failf(order.Retry, "exit", "not yet")
		w.restart()
		id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: title, Brief: "a fox", Price: "5.00",
			ReferenceImages: []string{"https://a.example/1.png", "https://a.example/gone.png"},
			ReferenceURLs:   []string{"https://a.example/text.png?x=1", "https://a.example/page.html", "https://a.example/1.png"}})
		if err != nil {
			t.Fatal(err)
		}
		l.has["https://a.example/text.png?x=1"] = "no picture"
		w.poll()
		w.fails(order.StageGenerate, order.Retry, "exit")
		w.painter.err = nil
		w.restart()
		w.must(order.StageGenerate)
		asked := w.painter.asked[1]
		if len(asked.References) != 1 || asked.References[0].MIME != "image/png" || asked.References[0].URL != "https://a.example/1.png" {
			t.Fatalf("references %+v", asked.References)
		}
		content, err := os.ReadFile(asked.References[0].Path)
		if err != nil || string(content) != l.has["https://a.example/1.png"] {
			t.Errorf("%q, %v", content, err)
		}
		if len(asked.Notes) != 2 || !strings.Contains(asked.Notes[0], "reference 2") || !strings.Contains(asked.Notes[1], "is no picture") {
			t.Errorf("notes %q", asked.Notes)
		}
		if n := slices.Index(l.asked, "https://a.example/1.png"); slices.Contains(l.asked[n+1:], "https://a.example/1.png") {
			t.Errorf("fetched %q", l.asked)
		}
		if slices.Contains(l.asked, "https://a.example/page.html") {
			t.Error("a page was fetched")
		}
		if kept, err := w.store.Artifacts(t.Context(), id, order.KindReference, 0); err != nil || len(kept) != 1 || kept[0].SHA256 == "" {
			t.Errorf("kept %+v, %v", kept, err)
		}
	})
}

func TestRejectedWorkIsMadeAnewAlsoWhenTheOwnerCountsFromOne(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.service = func(s *fulfill.Service) {
			s.Promise.Judge = &critic{err: fails(order.Fail, "refused", order.SpentNothing)}
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, "vetoed")
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

func TestNoCallIsBegunWithoutTheLease(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.order()
		j := w.lease(order.StageGenerate)
		w.cancel(id)
		if _, err := w.f.Run(t.Context(), j); order.Classify(t.Context(), err).Class != order.Lost {
			t.Errorf("got %v", err)
		}
		if len(w.painter.asked) != 0 || w.spent(id) != 0 {
			t.Errorf("asked %d times, spent %s", len(w.painter.asked), w.spent(id))
		}
	})
}

// A check that cannot be asked, a disk that fails: whatever comes after the work
// is made, in whichever attempt, the work is kept.
func TestWorkThatIsMadeIsNotPaidForAgainWhateverFailsAfterIt(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		judge := &critic{err: order.Failf(order.Hold, "misconfigured", "not set up")}
		p := &provider{answers: []answer{{"", fails(order.Retry, "provider", order.Spent)}}}
		w.hired(p)
		w.service = func(s *fulfill.Service) {
			s.Makers, s.Promise.Judge = []fulfill.Maker{{Name: "paid", Generator: p, Price: price}}, judge
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, "provider")
		w.fails(order.StageGenerate, order.Hold, "misconfigured") // the second attempt
		w.retry(id)
		judge.err = errors.New("the disk has failed")
		w.fails(order.StageGenerate, order.Retry, "error") // the first attempt again
		judge.err = nil
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || w.spent(id) != 2*price {
			t.Errorf("%d calls, spent %s", len(p.runs), w.spent(id))
		}
	})
}
