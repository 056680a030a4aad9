package fulfill_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
func (w *world) hired(p *provider, change ...func(*fulfill.Generator)) {
	p.painter = w.painter
	m := fulfill.Generator{Name: "paid", Backend: p, Price: price}
	for _, c := range change {
		c(&m)
	}
	w.service = func(s *fulfill.Service) { s.Generators = []fulfill.Generator{m} }
	w.restart()
}

func fails(class order.Class, code order.Code, spending order.Charge) *order.Failure {
	f := order.Failf(class, code, "the provider says %s", code)
	f.Charge = spending
	return f
}

func hold(m *fulfill.Generator) { m.HoldUnknown = true }

func TestAJobWhoseIdIsStoredIsGoneOnWithAndPaidForOnce(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}, {"", fails(order.Wait, order.CodeSlow, order.ChargePending)}}}
		w.hired(p)
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

func TestACallOfUnknownOutcomeCountsAndIsRepeatedOrLeftToTheOwner(t *testing.T) {
	unknown := fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)
	t.Run("retry", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", unknown}}}
			w.hired(p)
			id := w.order()
			w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
			w.must(order.StageGenerate)
			if p.runs[0].Key == p.runs[1].Key || w.spent(id) != 2*price {
				t.Errorf("runs %+v, spent %s", p.runs, w.spent(id))
			}
		})
	})
	t.Run("retry after a crash", func(t *testing.T) {
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{answers: []answer{{"", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
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
			p := &provider{answers: []answer{{"", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
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
			w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
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
		code     order.Code
		spending order.Charge
		want     order.USD
	}{
		{order.Wait, order.CodeProviderRateLimited, order.ChargeNone, 0},
		{order.Retry, order.CodeOutage, order.ChargeNone, 0},
		{order.Retry, order.CodeProviderFailed, order.ChargeFull, price},
		{order.Retry, order.CodeExpired, order.ChargeFull, price},
		{order.Fail, order.CodeRefused, order.ChargeNone, 0},
		{order.Fail, order.CodeRefused, order.ChargeFull, price},
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
		"unreachable": fails(order.Retry, order.CodeProviderUnreachable, order.ChargeNone),
		"busy":        fails(order.Wait, order.CodeProviderRateLimited, order.ChargeNone),
		"no key":      fails(order.Hold, order.CodeMisconfigured, order.ChargeNone),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)}, {"", second}}, repeats: true}
				w.hired(p)
				id := w.order()
				w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
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
			lost := fails(class, order.CodeFetch, order.ChargeUnknown)
			lost.Outage = true
			w.hired(&provider{answers: []answer{{"", lost}}})
			w.order()
			if f := w.fails(order.StageGenerate, order.Retry, order.CodeFetch); f.Outage {
				t.Error("it counts as an outage, which costs no attempt")
			}
		})
	}
}

func TestAFullDiskAfterAPaidCallIsNoWait(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		full := func(spending order.Charge) *order.Failure {
			return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: spending, Err: syscall.ENOSPC}
		}
		w.hired(&provider{answers: []answer{{"", full(order.ChargeNone)}, {"", full(order.ChargeUnknown)}}})
		w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeDiskFull)
		w.fails(order.StageGenerate, order.Retry, order.CodeOutputDir)
	})
}

// A service may have got another generator while a job of the first was under way.
func TestAJobIsGoneOnWithByTheGeneratorThatBeganIt(t *testing.T) {
	begin := func(t *testing.T, w *world) (*provider, string) {
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
		w.hired(p)
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
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.uploaded()
		w.must(order.StageDeliver)
		if err := w.market.Dispute(id, "no"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		p := &provider{answers: []answer{{"job1", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}}
		w.hired(p)
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
		w.scripted("/messages", slices.Repeat([]sandbox.Fault{{Before: 503}}, 10)...)
		w.must(order.StageGenerate)
		if len(p.runs) != 2 || p.runs[1].Ticket != "job1" {
			t.Errorf("runs %+v", p.runs)
		}
	})
}

// leaver leaves a file behind and fails, or is cut.
type leaver struct {
	failure *order.Failure
	found   []string
	attempt int
}

func (l *leaver) Repeats() bool               { return true }
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

func TestAnotherGeneratorStandsInForOneThatIsDownAndForNoOther(t *testing.T) {
	down := fails(order.Retry, order.CodeOutage, order.ChargeNone)
	running := fails(order.Retry, order.CodeOutage, order.ChargePending)
	down.Outage, running.Outage = true, true
	for name, c := range map[string]struct {
		answer answer
		class  order.Class // empty when the other has made it
		code   order.Code
	}{
		"down":    {answer{"", down}, "", ""},
		"refused": {answer{"", fails(order.Fail, order.CodeRefused, order.ChargeNone)}, order.Fail, order.CodeRefused},
		"unknown": {answer{"", fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)}, order.Retry, order.CodeProviderNoAnswer},
		"running": {answer{"job1", running}, order.Retry, order.CodeOutage},
		"failed":  {answer{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)}, order.Retry, order.CodeProviderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				first, second := &provider{painter: w.painter, answers: []answer{c.answer}}, &provider{painter: w.painter}
				w.service = func(s *fulfill.Service) {
					s.Generators = []fulfill.Generator{{Name: "first", Backend: first}, {Name: "local", Backend: second}}
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

func TestAnotherGeneratorTakesOverOnceTheFirstIsPausedAndNotBefore(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		down := fails(order.Retry, order.CodeOutage, order.ChargeNone)
		down.Outage = true
		breaker := &generate.Breaker{Threshold: 2, Probe: func(context.Context) error { return down }}
		first, second := &provider{painter: w.painter, answers: []answer{{"", down}, {"", down}}}, &provider{painter: w.painter}
		w.service = func(s *fulfill.Service) {
			s.Generators = []fulfill.Generator{{Name: "first", Backend: first, Breaker: breaker}, {Name: "local", Backend: second}}
		}
		w.restart()
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeOutage)
		if len(second.runs) != 0 {
			t.Error("it took over at the first failure")
		}
		w.must(order.StageGenerate)
		if len(first.runs) != 2 || len(second.runs) != 1 {
			t.Errorf("the first ran %d times, the other %d", len(first.runs), len(second.runs))
		}
	})
}

func TestAPausedGeneratorCostsNoAttemptAndGoesOnOnceItAnswers(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		down := fails(order.Retry, order.CodeOutage, order.ChargeNone)
		down.Outage = true
		var up error = down
		probes := 0
		breaker := &generate.Breaker{Threshold: 2, Pause: time.Minute, Probe: func(context.Context) error { probes++; return up }}
		p := &provider{answers: []answer{{"", down}, {"", down}}}
		w.hired(p, func(m *fulfill.Generator) { m.Breaker = breaker })
		w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeOutage)
		w.fails(order.StageGenerate, order.Retry, order.CodeOutage)
		if f := w.fails(order.StageGenerate, order.Wait, order.CodePaused); f.After != time.Minute || len(p.runs) != 2 {
			t.Errorf("it waits %s after %d runs", f.After, len(p.runs))
		}
		time.Sleep(time.Minute)
		if f := w.fails(order.StageGenerate, order.Wait, order.CodePaused); f.After != 2*time.Minute || probes != 1 {
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
		p := &provider{answers: []answer{{"", fails(order.Hold, order.CodeProviderKeyRefused, order.ChargeNone)}}}
		w.hired(p, func(m *fulfill.Generator) { m.Breaker = breaker })
		id := w.order()
		if f := w.fails(order.StageGenerate, order.Wait, order.CodePaused); f.After != time.Minute || !strings.Contains(f.Error(), "key_refused") {
			t.Errorf("it waits %s: %v", f.After, f)
		}
		time.Sleep(time.Minute)
		w.must(order.StageGenerate)
		if w.spent(id) != price {
			t.Errorf("spent %s", w.spent(id))
		}
		history, err := w.store.History(t.Context(), id)
		if err != nil || history.Calls[0].Note != "the provider says provider_key_refused" {
			t.Errorf("the call is noted as %+v, %v", history.Calls, err)
		}
	})
}

func TestRejectedWorkIsMadeAnewAlsoWhenTheOwnerCountsFromOne(t *testing.T) {
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
		judge := &critic{err: order.Failf(order.Hold, order.CodeMisconfigured, "not set up")}
		p := &provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)}}}
		w.hired(p)
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
