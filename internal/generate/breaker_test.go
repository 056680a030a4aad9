package generate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// broken runs f with a breaker in simulated time, the result of its probe, and what
// it told the owner.
func broken(t *testing.T, f func(t *testing.T, b *Breaker, probe *error, told *[]string)) {
	synctest.Test(t, func(t *testing.T) {
		var probe error
		var told []string
		b := &Breaker{Probe: func(context.Context) error { return probe }, Changed: func(reason string) { told = append(told, reason) }}
		f(t, b, &probe, &told)
	})
}

func outage() *order.Failure {
	f := order.Failf(order.Retry, order.CodeOutage, "it is down").Nothing()
	f.Outage = true
	return f
}

// wait returns how long the generator is paused, or 0 when it may be called.
func wait(t *testing.T, b *Breaker) time.Duration {
	t.Helper()
	err := b.Ready(t.Context())
	if err == nil {
		return 0
	}
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Wait || f.Code != order.CodePaused || f.Charge != order.ChargeNone {
		t.Fatalf("got %v", err)
	}
	return f.After
}

func TestAPauseNamesWhatIsPaused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "the generator is paused: the assistant: it is down", "the assistant": "the assistant is paused: it is down",
	} {
		broken(t, func(t *testing.T, b *Breaker, _ *error, _ *[]string) {
			b.Name = name
			b.Report(order.Failf(order.Hold, order.CodeProviderKeyRefused, "the assistant: it is down"))
			if err := b.Ready(t.Context()); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func TestFiveFailuresInARowPauseAGenerator(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*order.Failure{
		"outage": outage(), "unknown": {Class: order.Retry, Code: order.CodeProviderNoAnswer, Charge: order.ChargeUnknown},
		"limited": {Class: order.Wait, Code: order.CodeProviderRateLimited, Charge: order.ChargeNone},
	} {
		broken(t, func(t *testing.T, b *Breaker, _ *error, told *[]string) {
			for range 4 {
				b.Report(f)
			}
			b.Report(&order.Failure{Class: order.Fail, Code: order.CodeRefused}) // an answer
			for range 4 {
				b.Report(f)
				b.Report(&order.Failure{Class: order.Stopped, Code: order.CodeStopped}) // which does not count
			}
			if d := wait(t, b); d != 0 {
				t.Errorf("%s: paused after four in a row", name)
			}
			b.Report(f)
			if d := wait(t, b); d != time.Minute || len(*told) != 1 {
				t.Errorf("%s: paused for %s, told %q", name, d, *told)
			}
		})
	}
}

func TestAfterAGoodProbeOneMoreFailurePausesForLonger(t *testing.T) {
	t.Parallel()
	broken(t, func(t *testing.T, b *Breaker, _ *error, told *[]string) {
		for range 5 {
			b.Report(outage())
		}
		for _, pause := range []time.Duration{1, 2, 4, 8, 15, 15} {
			if d := wait(t, b); d != pause*time.Minute {
				t.Fatalf("paused for %s, want %d minutes", d, pause)
			}
			time.Sleep(pause * time.Minute)
			if d := wait(t, b); d != 0 {
				t.Fatalf("after a good probe it is still paused for %s", d)
			}
			b.Report(outage())
		}
		time.Sleep(15 * time.Minute)
		wait(t, b)
		b.Report(nil) // a success
		for range 4 {
			b.Report(outage())
		}
		if d := wait(t, b); d != 0 {
			t.Errorf("paused for %s after four failures", d)
		}
		if last := len(*told) - 1; (*told)[last] != "" {
			t.Errorf("told %q", *told)
		}
	})
}

func TestAFailedProbeIsReportedOnce(t *testing.T) {
	t.Parallel()
	broken(t, func(t *testing.T, b *Breaker, probe *error, told *[]string) {
		*probe = order.Failf(order.Hold, order.CodeProviderKeyRefused, "wrong key")
		for range 3 {
			if b.Try(t.Context()) == nil {
				t.Error("it works")
			}
		}
		*probe = nil
		time.Sleep(time.Hour)
		if d := wait(t, b); d != 0 || !slices.Equal(*told, []string{"wrong key", ""}) {
			t.Errorf("paused for %s, told %q", d, *told)
		}
	})
}

// The job can be resumed once the key is valid again.
func TestAKeyRefusedOnAPollPausesAndKeepsTheJob(t *testing.T) {
	t.Parallel()
	broken(t, func(t *testing.T, b *Breaker, _ *error, _ *[]string) {
		f := order.Failf(order.Hold, order.CodeProviderKeyRefused, "wrong key")
		f.Charge = order.ChargePending
		b.Report(f)
		if got := b.WaitInstead(*f); !b.Paused() || got.Class != order.Wait || got.Charge != order.ChargePending {
			t.Errorf("paused %t, the order gets %+v", b.Paused(), got)
		}
	})
}

func TestAnEmptyAccountBeginsWithALongPause(t *testing.T) {
	t.Parallel()
	broken(t, func(t *testing.T, b *Breaker, _ *error, _ *[]string) {
		f := order.Failf(order.Hold, order.CodeNoCredit, "pay").Nothing()
		b.Report(f)
		if d := wait(t, b); d != 15*time.Minute {
			t.Errorf("paused for %s", d)
		}
		if got := b.WaitInstead(*f); got.Class != order.Wait || got.Code != order.CodePaused || got.Charge != order.ChargeNone {
			t.Errorf("the order gets %+v", got)
		}
		own := order.Failf(order.Hold, order.CodeMisconfigured, "the program says so")
		if got := b.WaitInstead(*own); got.Class != order.Hold {
			t.Errorf("the program's own failure becomes %+v", got)
		}
	})
}
