package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Dimension is what the books of days are added up by.
type Dimension string

// The dimensions.
const (
	DailyAll        Dimension = "all"
	DailyServices   Dimension = "service"
	DailyClients    Dimension = "client"
	DailyGenerators Dimension = "generator"
)

// Sums are what was earned and spent, by a day, a month, a service, a client or a generator.
type Sums struct {
	Key        string
	Orders     int // that completed
	Gross, Fee order.USD
	Paid       order.USD // known to be paid out
	// Cost is that of those orders, whenever it was spent. Spent is what was spent in the
	// days, whatever became of the orders.
	Cost, Spent  order.USD
	Rated, Stars int
}

// Net returns what is left of the price.
func (s Sums) Net() order.USD { return s.Gross - s.Fee }

// Profit returns what is left after the generators.
func (s Sums) Profit() order.USD { return s.Net() - s.Cost }

// Add adds the sums of another.
func (s *Sums) Add(o Sums) {
	s.Orders, s.Gross, s.Fee, s.Paid = s.Orders+o.Orders, s.Gross+o.Gross, s.Fee+o.Fee, s.Paid+o.Paid
	s.Cost, s.Spent, s.Rated, s.Stars = s.Cost+o.Cost, s.Spent+o.Spent, s.Rated+o.Rated, s.Stars+o.Stars
}

// AddUpDays adds up the days (UTC) from first to last that have changed since they were,
// the newest first, until they are done or the time is over. The newest one is added up even
// then, so that the day of an owner who looks is right. It returns whether any is left.
func (s *Store) AddUpDays(ctx context.Context, first, last string, within time.Duration) (left bool, err error) {
	const most = 16
	begun := false
	for end := time.Now().Add(within); ; {
		days, err := s.read.ChangedDays(ctx, query.ChangedDaysParams{First: first, Last: last, Most: most})
		if err != nil || len(days) == 0 {
			return false, err
		}
		for _, day := range days {
			if begun && time.Now().After(end) {
				return true, nil
			}
			begun = true
			if err := s.addUpDay(day); err != nil {
				return true, err
			}
		}
	}
}

func (s *Store) addUpDay(day string) error {
	return s.write("books.day", func(t *tx) error {
		if err := t.ForgetDay(noCancel, day); err != nil {
			return err
		}
		next := day + "U" // after each time of the day, which goes on with T
		if err := t.AddEarnedOfDay(noCancel, query.AddEarnedOfDayParams{Day: day, NextDay: next}); err != nil {
			return err
		}
		if err := t.AddCostsOfDay(noCancel, query.AddCostsOfDayParams{Day: day, NextDay: next}); err != nil {
			return err
		}
		if err := t.AddSpentOfDay(noCancel, day); err != nil {
			return err
		}
		return t.DayAdded(noCancel, day)
	})
}

// Days returns the sums of each day (UTC) with any, the earliest first. Call AddUpDays
// before.
func (s *Store) Days(ctx context.Context, first, last string) ([]Sums, error) {
	rows, err := s.read.BooksByDay(ctx, query.BooksByDayParams{First: first, Last: last})
	list := make([]Sums, len(rows))
	for i, r := range rows {
		list[i] = sums(query.BooksByRow{Key: r.Day, Orders: r.Orders, Gross: r.Gross, Fee: r.Fee, Paid: r.Paid, Cost: r.Cost, Spent: r.Spent, Rated: r.Rated, Stars: r.Stars})
	}
	return list, err
}

// Months returns the same by month, such as 2026-11.
func (s *Store) Months(ctx context.Context, first, last string) ([]Sums, error) {
	rows, err := s.read.BooksByMonth(ctx, query.BooksByMonthParams{First: first, Last: last})
	list := make([]Sums, len(rows))
	for i, r := range rows {
		list[i] = sums(query.BooksByRow{Key: r.Month, Orders: r.Orders, Gross: r.Gross, Fee: r.Fee, Paid: r.Paid, Cost: r.Cost, Spent: r.Spent, Rated: r.Rated, Stars: r.Stars})
	}
	return list, err
}

// SumsBy returns the sums of each service, client or generator in some days (UTC), at most
// so many, those that earned most first.
func (s *Store) SumsBy(ctx context.Context, by Dimension, first, last string, most int) ([]Sums, error) {
	rows, err := s.read.BooksBy(ctx, query.BooksByParams{Dimension: string(by), First: first, Last: last, Most: int64(most)})
	list := make([]Sums, len(rows))
	for i, r := range rows {
		list[i] = sums(r)
	}
	return list, err
}

func sums(r query.BooksByRow) Sums {
	return Sums{
		Key: r.Key, Orders: int(r.Orders), Gross: order.USD(r.Gross), Fee: order.USD(r.Fee), Paid: order.USD(r.Paid),
		Cost: order.USD(r.Cost), Spent: order.USD(r.Spent), Rated: int(r.Rated), Stars: int(r.Stars),
	}
}

// Unpaid is a completed order that shows no payout.
type Unpaid struct {
	ID, Service string
	Completed   time.Time
	Net         order.USD
	// Failed is why its payout failed, Asked that it was asked for since.
	Failed string
	Asked  bool
}

// Payouts are what is paid out, as far as the marketplace shows it.
type Payouts struct {
	Paid, Unpaid order.USD // of all orders, in the days that are added up
	// Orders are the newest that are not, those first whose payout failed.
	Orders []Unpaid
}

// Payouts returns what is paid out, with at most so many orders that are not.
func (s *Store) Payouts(ctx context.Context, most int) (p Payouts, err error) {
	sum, err := s.read.PaidOut(ctx)
	if err != nil {
		return p, err
	}
	p.Paid, p.Unpaid = order.USD(sum.Paid), order.USD(sum.Unpaid)
	failed, err := s.read.FailedPayouts(ctx, int64(most))
	if err != nil {
		return p, err
	}
	for _, r := range failed {
		p.Orders = append(p.Orders, Unpaid{ID: r.ID, Service: r.Service, Completed: r.CompletedAt.Time, Net: order.USD(r.Net), Failed: cmp.Or(r.Text, "the payout failed")})
	}
	newest, err := s.read.UnpaidCompleted(ctx, int64(most))
	for _, r := range newest {
		if len(p.Orders) < most && !slices.ContainsFunc(p.Orders, func(u Unpaid) bool { return u.ID == r.ID }) {
			p.Orders = append(p.Orders, Unpaid{ID: r.ID, Service: r.Service, Completed: r.CompletedAt.Time, Net: order.USD(r.Net), Asked: r.Asked})
		}
	}
	return p, err
}
