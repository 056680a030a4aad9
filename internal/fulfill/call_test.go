package fulfill_test

import (
	"syscall"
	"testing"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// A call whose outcome is unknown stays charged. The same call is made again where
// the provider recognizes its key; otherwise another call is made, or the owner asked.
func TestACallOfUnknownOutcomeIsChargedAndNotForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		crash, repeats bool
		change         []func(*fulfill.Generator)
		code           order.Code // of a second attempt that is held
	}{
		"another call":               {},
		"another call after a crash": {crash: true},
		"held":                       {change: []func(*fulfill.Generator){hold}, code: order.CodeUnknownCall},
		"held after a crash":         {crash: true, change: []func(*fulfill.Generator){hold}, code: order.CodeUnknownCall},
		"the same call":              {repeats: true, change: []func(*fulfill.Generator){hold}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				first := fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)
				if c.crash {
					first = fails(order.Stopped, order.CodeStopped, order.ChargePending)
				}
				p := &provider{answers: []answer{{"", first}}, repeats: c.repeats}
				w.useProvider(p, c.change...)
				id := w.order()
				w.firstCall(c.crash, c.code)
				if c.code != "" {
					if w.spent(id) != price || len(p.runs) != 1 {
						t.Errorf("held after %d calls for %s", len(p.runs), w.spent(id))
					}
					w.retry(id)
				}
				w.must(order.StageGenerate)
				want := 2 * price
				if c.repeats {
					want = price
				}
				if len(p.runs) != 2 || (p.runs[0].Key == p.runs[1].Key) != c.repeats || w.spent(id) != want {
					t.Errorf("runs %+v, spent %s, want %s", p.runs, w.spent(id), want)
				}
				if state := w.calls(id)[0].State; (state == order.CallUnknown) == c.repeats {
					t.Errorf("the first call is %s", state)
				}
			})
		})
	}
}

// calls returns the calls made for an order.
func (w *world) calls(id string) []order.Call {
	w.t.Helper()
	history, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []order.Call
	for _, c := range history.Calls {
		list = append(list, c.Call)
	}
	return list
}

// firstCall runs a call of unknown outcome: its answer is lost, or the daemon
// crashes during it. With a code, the order is held for that.
func (w *world) firstCall(crash bool, held order.Code) {
	w.t.Helper()
	switch {
	case crash:
		if _, err := w.f.Run(w.t.Context(), w.lease(order.StageGenerate)); err == nil {
			w.t.Fatal("it was not cut")
		}
		w.restart()
		if held != "" {
			w.fails(order.StageGenerate, order.Hold, held)
		}
	case held != "":
		w.fails(order.StageGenerate, order.Hold, held)
	default:
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderNoAnswer)
	}
}

func TestWhatWasNotSpentDoesNotCount(t *testing.T) {
	t.Parallel()
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
		t.Run(string(c.code)+" "+string(c.spending), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.useProvider(&provider{answers: []answer{{"", fails(c.class, c.code, c.spending)}}})
				id := w.order()
				w.fails(order.StageGenerate, c.class, c.code)
				if got := w.spent(id); got != c.want {
					t.Errorf("%s %s: spent %s, want %s", c.code, c.spending, got, c.want)
				}
			})
		})
	}
}

// A repeated request that cost nothing does not make the call free.
func TestACallThatIsAskedForAgainInVainStaysOpen(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]*order.Failure{
		"unreachable": fails(order.Retry, order.CodeProviderUnreachable, order.ChargeNone),
		"busy":        fails(order.Wait, order.CodeProviderRateLimited, order.ChargeNone),
		"no key":      fails(order.Hold, order.CodeMisconfigured, order.ChargeNone),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown)}, {"", second}}, repeats: true}
				w.useProvider(p)
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

// Without the count, a paid call could be made again without end.
func TestWhatWasPaidForCountsAsAnAttempt(t *testing.T) {
	t.Parallel()
	for _, class := range []order.Class{order.Retry, order.Wait} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				lost := fails(class, order.CodeFetch, order.ChargeUnknown)
				lost.Outage = true
				w.useProvider(&provider{answers: []answer{{"", lost}}})
				w.order()
				if f := w.fails(order.StageGenerate, order.Retry, order.CodeFetch); f.Outage {
					t.Error("it counts as an outage, which costs no attempt")
				}
			})
		})
	}
}

func TestAFullDiskAfterAPaidCallIsNoWait(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		full := func(spending order.Charge) *order.Failure {
			return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: spending, Err: syscall.ENOSPC}
		}
		w.useProvider(&provider{answers: []answer{{"", full(order.ChargeNone)}, {"", full(order.ChargeUnknown)}}})
		w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeDiskFull)
		w.fails(order.StageGenerate, order.Retry, order.CodeOutputDir)
	})
}

func TestNoCallIsBegunWithoutTheLease(t *testing.T) {
	t.Parallel()
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
