package order

import (
	"testing"
	"time"
)

func TestACapOfAShareHoldsWhateverThePrice(t *testing.T) {
	t.Parallel()
	caps := Caps{Percent: 30}
	for name, c := range map[string]struct {
		spend Spend
		price USD
		ok    bool
	}{
		"within the share":    {Spend{Net: 10 * Dollar, Priced: true}, 3 * Dollar, true},
		"beyond it":           {Spend{Net: 10 * Dollar, Priced: true, Order: 1}, 3 * Dollar, false},
		"nothing is earned":   {Spend{Net: 0, Priced: true}, 1, false},
		"less than nothing":   {Spend{Net: -Dollar, Priced: true}, 1, false},
		"free, nothing spent": {Spend{Net: 0, Priced: true}, 0, true},
		"not priced yet":      {Spend{Order: 50 * Dollar}, Dollar, true},
	} {
		if f := caps.Allow(c.spend, c.price, time.Now()); (f == nil) != c.ok {
			t.Errorf("%s: %v", name, f)
		}
	}
}

func TestWhatACallHasCostOnceItHasEnded(t *testing.T) {
	t.Parallel()
	g := Call{Cost: Dollar}
	for _, c := range []struct {
		code     Code
		spending Charge
		told     USD
		state    CallState
		cost     USD
	}{
		{CodeRefused, ChargeNone, 0, CallRefused, 0},
		{CodeRefused, ChargeNone, 5, CallRefused, 5},
		{CodeRefused, ChargeFull, 0, CallRefused, Dollar},
		{CodeOutage, ChargeNone, 0, CallFailed, 0},
		{CodeProviderFailed, ChargeFull, 7, CallFailed, 7},
		{CodeExpired, ChargeFull, 0, CallExpired, Dollar},
		{CodeProviderNoAnswer, ChargeUnknown, 0, CallUnknown, Dollar},
		{CodeFetch, ChargeUnknown, 7, CallUnknown, 7},
	} {
		if state, cost := g.Ended(&Failure{Code: c.code, Charge: c.spending, Cost: c.told}); state != c.state || cost != c.cost {
			t.Errorf("%s %q: got %s %s", c.code, c.spending, state, cost)
		}
	}
}
