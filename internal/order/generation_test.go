package order

import (
	"testing"
	"time"
)

func TestACapOfAShareHoldsWhateverThePrice(t *testing.T) {
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
	g := Generation{Cost: Dollar}
	for _, c := range []struct {
		code     string
		spending Spending
		told     USD
		state    GenerationState
		cost     USD
	}{
		{"refused", SpentNothing, 0, GenerationRefused, 0},
		{"refused", SpentNothing, 5, GenerationRefused, 5},
		{"refused", Spent, 0, GenerationRefused, Dollar},
		{"outage", SpentNothing, 0, GenerationFailed, 0},
		{"provider", Spent, 7, GenerationFailed, 7},
		{"expired", Spent, 0, GenerationExpired, Dollar},
		{"no_answer", SpentUnknown, 0, GenerationUnknown, Dollar},
		{"fetch", SpentUnknown, 7, GenerationUnknown, 7},
	} {
		if state, cost := g.Ended(&Failure{Code: c.code, Spending: c.spending, Cost: c.told}); state != c.state || cost != c.cost {
			t.Errorf("%s %q: got %s %s", c.code, c.spending, state, cost)
		}
	}
}
