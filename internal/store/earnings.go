package store

import (
	"cmp"
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Period is a time to account for. Orders count by the moment at which they completed,
// what else was spent by its day, because the books have whole days in UTC.
type Period struct {
	// From and To are its ends, To not included. Zero is no end.
	From, To time.Time
	// First and Last are its first and last day in the books, such as 2026-11-25. Empty is
	// no end.
	First, Last string
}

// ends are the moments that bound it.
func (p Period) ends() (low, high utc.Time) {
	low, high = utc.At(p.From), utc.At(p.To)
	if p.From.IsZero() {
		low = utc.At(time.Unix(0, 0)) // a zero time is NULL, which nothing is later than
	}
	if p.To.IsZero() {
		high = utc.At(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	}
	return low, high
}

// days are its first and last day.
func (p Period) days() (first, last string) { return p.First, cmp.Or(p.Last, "9999-12-31") }

// Cost is what a generator cost, and how much of that bought nothing. The generator is
// empty where a program named a cost and no call was recorded.
type Cost struct {
	Generator  string
	Cost, Lost order.USD
}

// Earning is the revenue and the cost of one completed order.
type Earning struct {
	ID, Service, Client string
	Completed           time.Time
	Gross, Fee          order.USD
	Costs               []Cost    // by generator
	Paid                bool      // a payout is known
	PaidAt              time.Time // when it was first known
	PayoutTx            string    // empty if the marketplace named none
	Rating              *int      // the client's; nil without one
}

// Net returns the amount that is paid out for the order.
func (e Earning) Net() order.USD { return e.Gross - e.Fee }

// Cost returns what was spent on the order, and how much of that bought nothing.
func (e Earning) Cost() (sum Cost) {
	for _, c := range e.Costs {
		sum.Cost, sum.Lost = sum.Cost+c.Cost, sum.Lost+c.Lost
	}
	return sum
}

// OtherCost is what was spent in a day (UTC) on a sample, or on an order that is not
// completed.
type OtherCost struct {
	Day             string
	Order           string // empty for samples
	Service, Client string
	State           order.State
	Cost
}

// Accounts are what was earned and spent in a period.
type Accounts struct {
	// Earned are the orders that completed, the earliest first.
	Earned []Earning
	Other  []OtherCost
	// Spent is what generators cost in the days of the period, whatever became of the orders.
	Spent map[string]order.USD
	// Rounds are those that were delivered.
	Rounds Rounds
}

// Accounts returns what was earned and spent in a period, all at one moment. It reads the
// orders and the books, so that it changes by no pruning.
func (s *Store) Accounts(ctx context.Context, p Period) (a Accounts, err error) {
	t, err := s.reads.BeginTx(ctx, nil)
	if err != nil {
		return a, err
	}
	defer func() { _ = t.Rollback() }() // it only reads
	q := query.New(t)
	if a.Earned, err = earned(ctx, q, p); err != nil {
		return a, err
	}
	first, last := p.days()
	rows, err := q.OtherCosts(ctx, query.OtherCostsParams{First: first, Last: last})
	if err != nil {
		return a, err
	}
	for _, r := range rows {
		a.Other = append(a.Other, OtherCost{
			Day: r.Day, Order: r.OrderID, Service: r.Service, Client: r.Client, State: r.State,
			Cost: Cost{Generator: r.Generator, Cost: order.USD(r.Cost), Lost: order.USD(r.Lost)},
		})
	}
	if a.Spent, err = spentBy(ctx, q, first, last); err != nil {
		return a, err
	}
	a.Rounds, err = rounds(ctx, q, p)
	return a, err
}

// earned returns the orders that completed in a period.
func earned(ctx context.Context, q *query.Queries, p Period) ([]Earning, error) {
	low, high := p.ends()
	rows, err := q.Earnings(ctx, query.EarningsParams{Low: low, High: high})
	if err != nil {
		return nil, err
	}
	costs, err := q.EarningCosts(ctx, query.EarningCostsParams{Low: low, High: high})
	if err != nil {
		return nil, err
	}
	of := map[string][]Cost{}
	for _, c := range costs {
		if c.Cost != 0 || c.Lost != 0 {
			of[c.OrderID] = append(of[c.OrderID], Cost{c.Generator, order.USD(c.Cost), order.USD(c.Lost)})
		}
	}
	list := make([]Earning, len(rows))
	for i, r := range rows {
		e := Earning{
			ID: r.ID, Service: r.Service, Client: r.Client, Completed: r.CompletedAt.Time, Costs: of[r.ID],
			Paid: r.PayoutTx != "" || r.PayoutUsdMicros != nil, PaidAt: r.PayoutAt.Time, PayoutTx: r.PayoutTx, Rating: toInt(r.Rating),
		}
		if r.PriceUsdMicros != nil {
			e.Gross = *r.PriceUsdMicros
		}
		e.Fee = order.Fee(e.Gross, r.FeeUsdMicros, r.ClientType)
		if r.PayoutUsdMicros != nil {
			e.Fee = e.Gross - *r.PayoutUsdMicros // a webhook said what was paid out
		}
		list[i] = e
	}
	return list, nil
}
