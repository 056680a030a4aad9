package order_test

import (
	"errors"
	"strings"
	"testing"

	"atelierd/internal/order"
)

const callPrice = order.Dollar / 10

// failed makes a row of the table: a call of 10 cents that failed so.
func failed(class order.Class, code order.Code, charge order.Charge, change ...func(*order.FailedCall)) order.FailedCall {
	c := order.FailedCall{
		Call:    order.Call{Generator: "paid", Cost: callPrice},
		Failure: order.Failure{Class: class, Code: code, Charge: charge, Err: errors.New("it failed")},
	}
	for _, set := range change {
		set(&c)
	}
	return c
}

func resumed(c *order.FailedCall)     { c.Resumed = true }
func repeats(c *order.FailedCall)     { c.Repeats = true }
func holdUnknown(c *order.FailedCall) { c.HoldUnknown = true }
func ticket(c *order.FailedCall)      { c.Call.Ticket = "job1" }
func outage(c *order.FailedCall)      { c.Failure.Outage = true }
func diskFull(c *order.FailedCall)    { c.HostsFault = true }
func over(c *order.FailedCall)        { c.Failure.Over = true }
func told(c *order.FailedCall)        { c.Failure.Cost = 7 }

func TestWhatFollowsFromAFailedCall(t *testing.T) {
	t.Parallel()
	const (
		open  = order.CallState("")
		none  = order.ChargeNone
		full  = order.ChargeFull
		lost  = order.ChargeUnknown
		still = order.ChargePending
	)
	for name, c := range map[string]struct {
		failed order.FailedCall
		state  order.CallState
		cost   order.USD
		class  order.Class
		counts bool // as an attempt
	}{
		"a stop leaves it open":                    {failed(order.Stopped, order.CodeStopped, full), open, 0, order.Stopped, false},
		"so does a lost lease":                     {failed(order.Lost, order.CodeLeaseLost, full), open, 0, order.Lost, false},
		"and a job that still runs":                {failed(order.Wait, order.CodeSlow, still, ticket), open, 0, order.Wait, false},
		"an outage before it was sent costs none":  {failed(order.Retry, order.CodeOutage, none, outage), order.CallFailed, 0, order.Retry, false},
		"nor does a provider without room":         {failed(order.Wait, order.CodeProviderRateLimited, none), order.CallFailed, 0, order.Wait, false},
		"a refusal is free":                        {failed(order.Fail, order.CodeRefused, none), order.CallRefused, 0, order.Fail, false},
		"or paid for":                              {failed(order.Fail, order.CodeRefused, full), order.CallRefused, callPrice, order.Fail, false},
		"or has the cost that was named":           {failed(order.Fail, order.CodeRefused, full, told), order.CallRefused, 7, order.Fail, false},
		"a job that failed is paid for and counts": {failed(order.Retry, order.CodeProviderFailed, full), order.CallFailed, callPrice, order.Retry, true},
		"so does one that expired":                 {failed(order.Retry, order.CodeExpired, full, ticket), order.CallExpired, callPrice, order.Retry, true},
		"a lost answer counts as spent":            {failed(order.Retry, order.CodeProviderNoAnswer, lost), order.CallUnknown, callPrice, order.Retry, true},
		"a key that was used otherwise ends it":    {failed(order.Hold, order.CodeKeyReused, lost, resumed, repeats, holdUnknown), order.CallUnknown, callPrice, order.Hold, false},
		"also when it looks like an outage":        {failed(order.Retry, order.CodeFetch, lost, outage), order.CallUnknown, callPrice, order.Retry, true},
		"and when it would wait":                   {failed(order.Wait, order.CodeFetch, lost), order.CallUnknown, callPrice, order.Retry, true},
		"the same call can be made again":          {failed(order.Retry, order.CodeProviderNoAnswer, lost, repeats), open, 0, order.Retry, true},
		"whatever the owner wants of others":       {failed(order.Retry, order.CodeProviderNoAnswer, lost, repeats, holdUnknown), open, 0, order.Retry, true},
		"unless its key has no more use":           {failed(order.Retry, order.CodeWorkerLost, lost, repeats, ticket, over), order.CallUnknown, callPrice, order.Retry, true},
		"and then the owner may decide too":        {failed(order.Retry, order.CodeWorkerLost, lost, repeats, ticket, over, holdUnknown), open, 0, order.Hold, false},
		"the owner may decide":                     {failed(order.Retry, order.CodeProviderNoAnswer, lost, holdUnknown), open, 0, order.Hold, false},
		"a call asked for again in vain is open":   {failed(order.Wait, order.CodeProviderRateLimited, none, resumed), open, 0, order.Wait, false},
		"also when the key is gone":                {failed(order.Hold, order.CodeMisconfigured, none, resumed), open, 0, order.Hold, false},
		"but not when it is refused":               {failed(order.Fail, order.CodeRefused, none, resumed), order.CallRefused, 0, order.Fail, false},
		"a job's end that is free is its end":      {failed(order.Retry, order.CodeProviderFailed, none, resumed, ticket), order.CallFailed, 0, order.Retry, true},
		"a full disk before any cost waits":        {failed(order.Retry, order.CodeOutputDir, none, diskFull), order.CallFailed, 0, order.Retry, true},
	} {
		got := order.AfterCall(c.failed)
		counts := got.Failure.Class == order.Retry && !got.Failure.Outage
		if got.State != c.state || got.Cost != c.cost || got.Failure.Class != c.class || counts != c.counts {
			t.Errorf("%s: got %q for %s, then %s, counts %t; want %q for %s, then %s, counts %t",
				name, got.State, got.Cost, got.Failure.Class, counts, c.state, c.cost, c.class, c.counts)
		}
		if got.State != open && got.Failure.Cost != 0 {
			t.Errorf("%s: the attempt has the cost of the call's record", name)
		}
	}
}

func TestAnUnknownCallIsLeftToTheOwnerWithItsCause(t *testing.T) {
	t.Parallel()
	got := order.AfterCall(failed(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown, holdUnknown)).Failure
	if got.Code != order.CodeUnknownCall || !strings.Contains(got.Error(), "it failed") || !strings.Contains(got.Hint, "atelierd orders retry") {
		t.Errorf("%s: %v, hint %q", got.Code, &got, got.Hint)
	}
}

func TestTheFateOfAnOpenCall(t *testing.T) {
	t.Parallel()
	ticket := order.Call{Ticket: "job1"}
	for name, c := range map[string]struct {
		call order.OpenCall
		want order.CallFate
	}{
		"the provider has its job":            {order.OpenCall{Call: ticket, Configured: true}, order.FateResume},
		"the same call can be made again":     {order.OpenCall{Configured: true, Repeats: true}, order.FateResume},
		"also where unknown calls are held":   {order.OpenCall{Configured: true, Repeats: true, HoldUnknown: true}, order.FateResume},
		"nobody knows it":                     {order.OpenCall{Configured: true}, order.FateUnknown},
		"the owner wants to know":             {order.OpenCall{Configured: true, HoldUnknown: true}, order.FateAsk},
		"another is resumed":                  {order.OpenCall{Call: ticket, Configured: true, Superseded: true}, order.FateUnknown},
		"another is resumed, the owner asked": {order.OpenCall{Configured: true, Superseded: true, HoldUnknown: true}, order.FateAsk},
		"its generator is gone":               {order.OpenCall{Call: ticket}, order.FateStranded},
		"gone, and no job is known":           {order.OpenCall{}, order.FateUnknown},
	} {
		if got := c.call.Fate(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhatAFailureShowsOfItsGenerator(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failed  order.FailedCall
		health  order.GeneratorHealth
		standIn bool // once it is paused
		waits   bool
	}{
		"down":                   {failed(order.Retry, order.CodeOutage, order.ChargeNone, outage), order.GeneratorFails, true, false},
		"its answer is lost":     {failed(order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown), order.GeneratorFails, false, false},
		"no room":                {failed(order.Wait, order.CodeProviderRateLimited, order.ChargeNone), order.GeneratorFails, false, false},
		"its key is refused":     {failed(order.Hold, order.CodeProviderKeyRefused, order.ChargeNone), order.GeneratorBroken, true, true},
		"no money":               {failed(order.Hold, order.CodeNoCredit, order.ChargeNone), order.GeneratorBroken, true, true},
		"not set up":             {failed(order.Hold, order.CodeMisconfigured, order.ChargeNone), order.GeneratorBroken, true, false},
		"it asks for a pause":    {failed(order.Retry, order.CodeTryLater, order.ChargeNone), order.GeneratorAnswers, true, false},
		"a refusal":              {failed(order.Fail, order.CodeRefused, order.ChargeNone), order.GeneratorAnswers, false, false},
		"a stop":                 {failed(order.Stopped, order.CodeStopped, order.ChargePending), order.GeneratorSilent, false, false},
		"a slow job":             {failed(order.Wait, order.CodeSlow, order.ChargePending), order.GeneratorSilent, false, false},
		"a job while it is down": {failed(order.Retry, order.CodeOutage, order.ChargePending, outage), order.GeneratorFails, false, false},
		"a bad request":          {failed(order.Hold, order.CodeProviderRejected, order.ChargeNone), order.GeneratorAnswers, false, false},
	} {
		f := c.failed.Failure
		if f.Health() != c.health || f.StandIn(true) != c.standIn || f.WaitsForGenerator() != c.waits {
			t.Errorf("%s: %s, stand-in %t, waits %t; want %s, %t, %t", name, f.Health(), f.StandIn(true), f.WaitsForGenerator(), c.health, c.standIn, c.waits)
		}
		if f.StandIn(false) != (f.Code == order.CodeTryLater) {
			t.Errorf("%s: a generator that is not paused is replaced: %t", name, f.StandIn(false))
		}
	}
}
