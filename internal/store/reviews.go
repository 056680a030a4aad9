package store

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// DueReviews returns up to most completed orders whose review is due to be read at
// now, the longest due first. If there are none, next is when the next one is due,
// or zero.
func (s *Store) DueReviews(ctx context.Context, now time.Time, most int) (ids []string, next time.Time, err error) {
	rows, err := s.read.DueReviews(ctx, int64(most))
	if err != nil {
		return nil, next, err
	}
	for _, r := range rows {
		if r.ReviewDueAt.After(now) {
			next = r.ReviewDueAt.Time
			break
		}
		ids = append(ids, r.ID)
	}
	return ids, next, nil
}

// PutReview stores what was read of an order's review. Without a review it is read
// again after each of the pauses of order.ReviewPauses, and then no more.
func (s *Store) PutReview(id string, r order.Review) error {
	return s.write("review", func(t *tx) error {
		reads, err := t.ReviewReads(noCancel, id)
		if err != nil || len(reads) == 0 {
			return err
		}
		var due utc.Time
		if pauses := order.ReviewPauses(); !r.Given() && reads[0] < int64(len(pauses)) {
			due = utc.At(t.now.Add(pauses[reads[0]]))
		}
		if err := t.Queries.PutReview(noCancel, query.PutReviewParams{Rating: number(r.Rating), Review: r.Text, ReviewDueAt: due, ID: id}); err != nil {
			return err
		}
		if r.Rating == nil {
			return nil
		}
		_, err = t.event(id, "rated", fmt.Sprintf("%d of %d", *r.Rating, order.BestRating))
		return err
	})
}
