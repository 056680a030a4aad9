package view

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Day is what was earned and spent in a day (UTC).
type Day struct {
	Date   time.Time // at its begin
	Orders int       // that completed
	Earned order.USD // without the fee
	// Spent is what generators cost, whatever became of the orders.
	Spent order.USD
}

// Days are the last days (UTC), and what they add up to.
type Days struct {
	// Days are all of them, today last.
	Days   []Day
	Orders int
	Earned order.USD
	Spent  order.USD
	// Cap is the most that may be spent in a day; 0 is no limit.
	Cap order.USD
}

// addUp is how long a page waits until days are added up again. The rest is added up for the
// next one.
const addUp = 300 * time.Millisecond

// Days reads what was earned and spent in the last n days (UTC), today included. An order
// counts on the day on which it completed, what was spent on its own day.
func (r Reader) Days(ctx context.Context, n int) (Days, error) {
	v := Days{Cap: r.Config().Spending.Day}
	today := order.Day(r.now())
	first := today.AddDate(0, 0, 1-n)
	for i := range n {
		v.Days = append(v.Days, Day{Date: first.AddDate(0, 0, i)})
	}
	sums, err := r.daySums(ctx, first, today)
	if err != nil {
		return v, err
	}
	for _, s := range sums {
		date, err := time.Parse(time.DateOnly, s.Key)
		if err != nil {
			continue // a time that could not be read
		}
		day := &v.Days[int(date.Sub(first)/(24*time.Hour))]
		day.Orders, day.Earned, day.Spent = s.Orders, s.Net(), s.Spent
		v.Orders, v.Earned, v.Spent = v.Orders+s.Orders, v.Earned+s.Net(), v.Spent+s.Spent
	}
	return v, nil
}

// daySums reads the sums of days. A reader of the database cannot store them, so it adds up
// the orders itself.
func (r Reader) daySums(ctx context.Context, first, last time.Time) ([]store.Sums, error) {
	from, to := first.Format(time.DateOnly), last.Format(time.DateOnly)
	if r.Store.Writes() {
		if _, err := r.Store.AddUpDays(ctx, from, to, addUp); err != nil {
			return nil, err
		}
		return r.Store.Days(ctx, from, to)
	}
	var list []store.Sums
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		name := day.Format(time.DateOnly)
		a, err := r.Store.Accounts(ctx, store.Period{From: day, To: day.AddDate(0, 0, 1), First: name, Last: name})
		if err != nil {
			return nil, err
		}
		s := store.Sums{Key: name, Orders: len(a.Earned)}
		for _, e := range a.Earned {
			s.Gross, s.Fee = s.Gross+e.Gross, s.Fee+e.Fee
		}
		for _, usd := range a.Spent {
			s.Spent += usd
		}
		list = append(list, s)
	}
	return list, nil
}
