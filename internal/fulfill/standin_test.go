package fulfill_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

func TestAnotherGeneratorStandsInForOneThatIsDownAndForNoOther(t *testing.T) {
	t.Parallel()
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
			t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		down := fails(order.Retry, order.CodeOutage, order.ChargeNone)
		down.Outage = true
		var up error = down
		probes := 0
		breaker := &generate.Breaker{Threshold: 2, Pause: time.Minute, Probe: func(context.Context) error { probes++; return up }}
		p := &provider{answers: []answer{{"", down}, {"", down}}}
		w.useProvider(p, func(m *fulfill.Generator) { m.Breaker = breaker })
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

func TestWorkWaitsWhileOnlyTheOwnerCanFixTheGenerator(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		up := error(nil)
		breaker := &generate.Breaker{Pause: time.Minute, Probe: func(context.Context) error { return up }}
		p := &provider{answers: []answer{{"", fails(order.Hold, order.CodeProviderKeyRefused, order.ChargeNone)}}}
		w.useProvider(p, func(m *fulfill.Generator) { m.Breaker = breaker })
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
