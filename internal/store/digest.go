package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// Digest adds up a day that lasts from from until to. What is open is what is open now.
func (s *Store) Digest(ctx context.Context, day string, from, to time.Time) (order.Digest, error) {
	low, high := utc.At(from), utc.At(to)
	d := order.Digest{Day: day, Open: map[order.State]int{}}
	earned, err := s.read.EarnedBetween(ctx, query.EarnedBetweenParams{Low: low, High: high})
	if err != nil {
		return d, err
	}
	spent, err := s.read.SpentBetween(ctx, query.SpentBetweenParams{Low: low, High: high})
	if err != nil {
		return d, err
	}
	came, err := s.read.CameBetween(ctx, query.CameBetweenParams{Low: low, High: high})
	if err != nil {
		return d, err
	}
	d.Completed, d.Earned, d.Spent, d.Came = int(earned.Orders), order.USD(earned.Net), order.USD(spent), int(came)
	delivered, err := s.read.DeliveredBetween(ctx, query.DeliveredBetweenParams{Low: low, High: high})
	if err != nil {
		return d, err
	}
	orders := map[string]bool{}
	for _, r := range delivered {
		orders[r.OrderID] = true
		var links []string
		if err := json.Unmarshal([]byte(r.Urls), &links); err != nil {
			return d, fmt.Errorf("the links of a delivery of order %s: %w", r.OrderID, err)
		}
		d.Links = append(d.Links, links...)
	}
	d.Delivered = len(orders)
	pieces, err := s.read.PiecesBetween(ctx, query.PiecesBetweenParams{Low: low, High: high})
	if err != nil {
		return d, err
	}
	d.Links = append(d.Links, pieces...)
	open, err := s.read.CountOrders(ctx)
	for _, o := range open {
		d.Open[o.State] = int(o.Orders)
	}
	return d, err
}

// DigestDay returns the last day of which the target was sent the summary, or "".
func (s *Store) DigestDay(ctx context.Context, target string) (string, error) {
	days, err := s.read.DigestDays(ctx, target)
	if err != nil || len(days) == 0 {
		return "", err
	}
	return days[0], nil
}

// AddDigest commits the summary of a day for a target, unless that of the day or a later
// one was. Nil sends none, and those of later days are sent.
func (s *Store) AddDigest(target, day string, n *order.Notice) error {
	return s.write("digest", func(t *tx) error {
		rows, err := t.SetDigestDay(noCancel, query.SetDigestDayParams{Target: target, Day: day})
		if err != nil || rows == 0 || n == nil {
			return err
		}
		return t.notice(target, nil, *n)
	})
}
