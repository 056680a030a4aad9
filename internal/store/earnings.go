package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Earning is the revenue and the cost of one completed order.
type Earning struct {
	ID, Service string
	Completed   time.Time
	Gross, Fee  order.USD
	Cost        order.USD
	Paid        bool // a payout is known
	Rating      *int // the client's; nil without one
}

// Net returns the amount that is paid out for the order.
func (e Earning) Net() order.USD { return e.Gross - e.Fee }

// Earnings returns the orders completed at or after since, the earliest first.
func (s *Store) Earnings(ctx context.Context, since time.Time) ([]Earning, error) {
	if since.IsZero() {
		since = time.Unix(0, 0) // a zero time is NULL, which nothing is later than
	}
	rows, err := s.read.Earnings(ctx, utc.At(since))
	if err != nil {
		return nil, err
	}
	list := make([]Earning, len(rows))
	for i, r := range rows {
		e := Earning{ID: r.ID, Service: r.Service, Completed: r.CompletedAt.Time, Cost: order.USD(r.Cost), Paid: r.PayoutTx != "" || r.PayoutUsdMicros != nil, Rating: toInt(r.Rating)}
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

// SpentUncompleted returns what was spent at or after since on orders that are not
// completed: those that are open, failed or cancelled.
func (s *Store) SpentUncompleted(ctx context.Context, since time.Time) (order.USD, error) {
	low, day := wholeDays(since)
	n, err := s.read.SpentUncompleted(ctx, query.SpentUncompletedParams{Low: low, Day: day})
	return order.USD(n), err
}

// SpentOnSamples returns the cost of the samples begun at or after since.
func (s *Store) SpentOnSamples(ctx context.Context, since time.Time) (order.USD, error) {
	low, day := wholeDays(since)
	n, err := s.read.SpentOnSamples(ctx, query.SpentOnSamplesParams{Low: low, Day: day})
	return order.USD(n), err
}

// wholeDays returns since, and the first day that begins at or after it. The books have
// whole days.
func wholeDays(since time.Time) (low utc.Time, day string) {
	if since.IsZero() {
		since = time.Unix(0, 0) // a zero time is NULL, which nothing is later than
	}
	low = utc.At(since)
	first := order.Day(low.Time)
	if first.Before(low.Time) {
		first = first.AddDate(0, 0, 1)
	}
	return low, first.Format(time.DateOnly)
}
