package store

import (
	"errors"
	"testing"
	"time"

	"atelierd/internal/order"
)

// sample is a sample of the generator at the price.
func sample(generator string, price order.USD, caps order.Caps) order.NewSample {
	return order.NewSample{
		NewCall: order.NewCall{Agent: "ext_1", Generator: generator, Price: price, Caps: caps},
		Sample:  order.Sample{Prompt: "a fox", Params: map[string]any{"steps": 4.0}, Output: "/out"},
	}
}

func TestASampleIsACallWithoutAJob(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	first, err := s.BeginSample(sample("studio", 50_000, order.Caps{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginSample(sample("studio", 50_000, order.Caps{})); !errors.Is(err, ErrSampleOpen) {
		t.Errorf("next to an open sample: %v", err)
	}
	if err := s.CallSubmitted(first.ID, "job-1"); err != nil {
		t.Fatal(err)
	}
	list, err := s.OpenSamples(t.Context())
	if err != nil || len(list) != 1 || list[0].Call.Ticket != "job-1" || list[0].Call.Key != first.Key ||
		list[0].Sample.Prompt != "a fox" || list[0].Sample.Output != "/out" || list[0].Sample.Params["steps"] != 4.0 {
		t.Errorf("open are %+v, %v", list, err)
	}
	if err := s.CloseCall(first.ID, order.CallDone, 60_000, ""); err != nil {
		t.Fatal(err)
	}
	second, err := s.BeginSample(sample("studio", 50_000, order.Caps{}))
	if err != nil || second.Key == first.Key {
		t.Errorf("the second has the key %q after %q, %v", second.Key, first.Key, err)
	}
	today, err := s.SpentToday(t.Context(), time.Now())
	if err != nil || today != 110_000 {
		t.Errorf("$%s counts today, %v", today, err)
	}
	if all := otherCosts(t, s, true); all != 110_000 {
		t.Errorf("samples cost $%s", all)
	}
	var kind string
	var cost, lost float64
	if err := s.reads.QueryRow("SELECT kind FROM v_calls WHERE ticket = 'job-1'").Scan(&kind); err != nil || kind != "sample" {
		t.Errorf("v_calls has the kind %q, %v", kind, err)
	}
	if err := s.reads.QueryRow("SELECT cost_usd, lost_usd FROM v_costs_daily").Scan(&cost, &lost); err != nil || cost != 0.11 || lost != 0 {
		t.Errorf("v_costs_daily has %v, lost %v, %v", cost, lost, err)
	}
}

func TestASampleThatWouldPassACapIsNotBegun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caps order.Caps
		want order.Code
	}{
		"of the day":    {order.Caps{Day: 90_000}, order.CodeDayCap},
		"of an attempt": {order.Caps{Attempt: 40_000}, order.CodeAttemptCap},
		"of an order":   {order.Caps{Order: 40_000}, order.CodeOrderCap},
		"none":          {order.Caps{Day: 100_000, Attempt: 50_000, Order: 50_000}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			if _, err := s.BeginSample(sample("other", 50_000, order.Caps{})); err != nil {
				t.Fatal(err)
			}
			_, err := s.BeginSample(sample("studio", 50_000, c.caps))
			var got order.Code
			if fail, ok := errors.AsType[*order.Failure](err); ok {
				got = fail.Code
			}
			list, readErr := s.OpenSamples(t.Context())
			if got != c.want || readErr != nil || (len(list) == 2) != (c.want == "") {
				t.Errorf("it is %q (%v), want %q; open are %+v, %v", got, err, c.want, list, readErr)
			}
		})
	}
}

func TestTwoProcessesDoNotMakeASampleAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := LockSample(dir, "studio")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockSample(dir, "studio"); !errors.Is(err, ErrSampleRuns) || !SampleRuns(dir, "studio") || SampleRuns(dir, "other") {
		t.Errorf("it is not locked: %v", err)
	}
	if err := release(); err != nil || SampleRuns(dir, "studio") {
		t.Errorf("it stays locked: %v", err)
	}
}
