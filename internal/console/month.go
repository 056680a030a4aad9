package console

import (
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// monthOf returns the sums and the plots of some days; none of both while nothing was
// earned or spent.
func monthOf(d view.Days) ([]figure, []plot) {
	if d.Earned == 0 && d.Spent == 0 && d.Orders == 0 {
		return nil, nil
	}
	var days []time.Time
	var earned, spent []order.USD
	for _, day := range d.Days {
		days, earned, spent = append(days, day.Date), append(earned, day.Earned), append(spent, day.Spent)
	}
	sum := func(u order.USD) string {
		text, _ := money(u) // it is one
		return text
	}
	figures := []figure{
		{"Earned, after the fee", sum(d.Earned)}, {"Spent", sum(d.Spent)}, {"Profit", sum(d.Earned - d.Spent)}, {"Orders completed", fmt.Sprint(d.Orders)},
	}
	return figures, []plot{newPlot("earned, after the fee", "earned", days, earned, 0), newPlot("spent on generators", "spent", days, spent, d.Cap)}
}

// EarnedToday is what was earned in the day so far (UTC).
func (p nowPage) EarnedToday() order.USD {
	if len(p.Month.Days) == 0 {
		return 0
	}
	return p.Month.Days[len(p.Month.Days)-1].Earned
}
