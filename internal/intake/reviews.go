package intake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// ReviewOptions are the settings of Reviews.
type ReviewOptions struct {
	Store interface {
		// DueReviews returns up to most orders whose review is due to be read at now.
		// If there are none, next is when the next one is due, or zero.
		DueReviews(ctx context.Context, now time.Time, most int) (ids []string, next time.Time, err error)
		PutReview(orderID string, r order.Review) error
	}
	Market interface {
		Review(ctx context.Context, orderID string) (order.Review, error)
	}
	Log *slog.Logger
}

// Reviews reads what clients said of completed orders. The deployed marketplace does
// not count these reads, and no event brings a review.
type Reviews struct {
	o        ReviewOptions
	failures logonce.Logger
	// unread counts the failed reads of an order.
	unread map[string]int
}

// NewReviews returns a reader of reviews.
func NewReviews(o ReviewOptions) *Reviews { return &Reviews{o: o, unread: map[string]int{}} }

const (
	// reviewRow is the most reviews read in a row, and reviewPause the time to the
	// next row. They spread the reads of a start with thousands of orders.
	reviewRow   = 10
	reviewPause = time.Minute
	// reviewSleep is the most time between two looks for due reviews.
	reviewSleep = 10 * time.Minute
	// maxReviewTries is how often an order is tried that cannot be read. After that it
	// waits, so that it does not hold up the others.
	maxReviewTries = 3
)

// Run reads reviews until ctx is cancelled. It returns nil.
func (r *Reviews) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := r.Once(ctx)
		if err != nil && ctx.Err() == nil {
			r.failures.Failed(r.o.Log, "reading reviews failed", err, hintOf(err)...)
			wait = reviewSleep
			if f, ok := errors.AsType[*order.Failure](err); ok {
				wait = max(wait, f.After)
			}
		}
		beat.Sleep(ctx, wait, nil)
	}
	return nil
}

// Once reads one row of due reviews and returns the time to the next row.
func (r *Reviews) Once(ctx context.Context) (wait time.Duration, err error) {
	ids, next, err := r.o.Store.DueReviews(ctx, time.Now(), reviewRow)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := r.read(ctx, id); err != nil {
			return 0, err
		}
	}
	r.failures.Recovered(r.o.Log, "reading reviews works again")
	switch {
	case len(ids) > 0:
		return reviewPause, nil
	case next.IsZero():
		return reviewSleep, nil
	}
	return min(max(time.Until(next), time.Second), reviewSleep), nil
}

// read stores the review of one order. An order that the marketplace does not show
// has none.
func (r *Reviews) read(ctx context.Context, id string) error {
	review, err := r.o.Market.Review(ctx, id)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Class != order.Wait && ctx.Err() == nil {
		if r.unread[id]++; f.Class == order.Fail || r.unread[id] >= maxReviewTries {
			r.o.Log.Debug("review not readable", "order", id, "error", err)
			err = nil
		}
	}
	if err != nil {
		return err
	}
	delete(r.unread, id)
	if review.Rating != nil {
		r.o.Log.Info("the client has rated", "order", id, "rating", *review.Rating)
	}
	return r.o.Store.PutReview(id, review)
}
